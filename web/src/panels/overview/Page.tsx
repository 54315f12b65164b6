import { Grid } from '../../look/Grid';
import { Cost } from './Cost';
import { Connected } from './Connected';
import { Services } from './Services';
import { TopTrouble } from './TopTrouble';
import { Traffic } from './Traffic';
import { Transfers } from './Transfers';
import { TwoWays } from './TwoWays';
import { Woven } from './Woven';

/** How things are: what is wrong first, then who and what, then figures. */
export default function Page() {
  return (
    <Grid>
      <TopTrouble />
      <Connected />
      <Transfers />
      <Woven />
      <TwoWays />
      <Services />
      <Traffic />
      <Cost />
    </Grid>
  );
}
