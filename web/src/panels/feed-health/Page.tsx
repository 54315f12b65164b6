import { Grid } from '../../look/Grid';
import { Now } from './Now';
import { Ring } from './Ring';
import { Sources } from './Sources';

/** How the event feed does: everything else on this page is made of it. */
export default function Page() {
  return (
    <Grid>
      <Now />
      <Ring />
      <Sources />
    </Grid>
  );
}
