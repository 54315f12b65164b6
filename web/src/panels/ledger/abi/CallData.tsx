import { useTranslation } from 'react-i18next';
import { bytes } from '../../../figures';
import { Card } from '../../../look/Card';
import { TextLink } from '../../../look/TextLink';
import type { Transaction } from '../requests';
import styles from './abi.module.css';
import { Arguments } from './Arguments';
import { useDecoded } from './useDecoded';

/** What a contract was called with, or made of. */
export function CallData({ of }: { of: Transaction }) {
  const { t } = useTranslation('ledger');
  const { decoded, known } = useDecoded(of.to, of);
  const whole = of.data.length === 2 + 2 * of.data_bytes;
  return (
    <Card title={t(of.to == null ? 'abi.code' : 'abi.call')} caption={bytes(of.data_bytes)}>
      <div className={styles.decoded}>
        {decoded && <Arguments of={decoded} />}
        {!decoded && of.to != null && (
          <p className="quiet">
            {known ? t('abi.unknown') : t('abi.give')}{' '}
            <TextLink to={`/ledger/account/${of.to}`}>{t('abi.there')}</TextLink>
          </p>
        )}
        <details open={!decoded}>
          <summary>{t('abi.raw')}</summary>
          <code className={styles.raw} tabIndex={0}>
            {of.data}
          </code>
          {!whole && <p className="quiet">{t('abi.cut')}</p>}
        </details>
      </div>
    </Card>
  );
}
