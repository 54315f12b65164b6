import { useTranslation } from 'react-i18next';
import { shortened } from '../../../look/Copy';
import { TextLink } from '../../../look/TextLink';
import { Badge } from './Badge';
import { FIRST_CONTRACTS } from './kinds';
import { useValidators } from '../chain/useValidators';
import styles from './Who.module.css';

/** An account, in as many words as are known of it; leads to its page. */
export function Who({ address, plain = false }: { address: string; plain?: boolean }) {
  const { t } = useTranslation('ledger');
  const { face } = useValidators();
  const one = face(address);
  const first = FIRST_CONTRACTS[address.toLowerCase()];
  const short = shortened(address, 6);
  return (
    <span className={styles.who}>
      {one.letter && <Badge face={one} />}
      <TextLink to={`/ledger/account/${address}`} plain={plain}>
        {one.me ? (
          t('this-node')
        ) : first ? (
          t(`first.${first}`)
        ) : one.name === short ? (
          <code title={address}>{short}</code>
        ) : (
          <bdi title={address}>{one.name}</bdi>
        )}
      </TextLink>
    </span>
  );
}
