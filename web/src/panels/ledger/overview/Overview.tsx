import { Grid } from '../../../look/Grid';
import { Blocks } from './Blocks';
import { Chain } from './Chain';
import { Evidence } from './Evidence';
import { Latest } from './Latest';
import { Now } from './Now';
import styles from './Overview.module.css';
import { Pool } from './Pool';
import { Send } from './Send';
import { Validators } from './Validators';

/** The chain as it goes on. */
export function Overview() {
  return (
    <Grid>
      <Now />
      <Blocks />
      <div className={styles.narrow}>
        <Validators />
        <Send />
      </div>
      <div className={styles.wide}>
        <Latest />
        <Pool />
        <Evidence />
      </div>
      <Chain />
    </Grid>
  );
}
