import { Grid } from '../../look/Grid';
import { Everyone } from './Everyone';
import { Hub } from './Hub';
import { Trouble } from './Trouble';

/** The services of the node: as a hub, and as a list where they are switched. */
export default function Page() {
  return (
    <Grid>
      <Trouble />
      <Hub />
      <Everyone />
    </Grid>
  );
}
