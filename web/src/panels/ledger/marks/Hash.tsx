import { shortened } from '../../../look/Copy';
import { TextLink } from '../../../look/TextLink';
import styles from './Who.module.css';

/** A hash, cut in its middle, that leads to what it is of. */
export function Hash({ of, kind, plain = false }: { of: string; kind: 'tx' | 'block'; plain?: boolean }) {
  return (
    <TextLink to={`/ledger/${kind}/${of}`} plain={plain}>
      <code title={of} className={styles.line}>
        {shortened(of, 6)}
      </code>
    </TextLink>
  );
}
