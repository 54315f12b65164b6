import { useTranslation } from 'react-i18next';
import { Card } from '../../../look/Card';
import { Who } from '../marks/Who';
import type { Log } from '../requests';
import styles from './abi.module.css';
import { Arguments } from './Arguments';
import { useDecoded } from './useDecoded';

function One({ log }: { log: Log }) {
  const { t } = useTranslation('ledger');
  const { decoded, known } = useDecoded(log.address, { data: log.data, topics: log.topics });
  return (
    <>
      <div className={styles.contract}>
        <Who address={log.address} />
        {!decoded && <span className="quiet">{t(known ? 'abi.unknownLog' : 'abi.giveLog')}</span>}
      </div>
      {decoded ? (
        <Arguments of={decoded} />
      ) : (
        <details>
          <summary>{t('abi.raw')}</summary>
          <ol className={styles.topics}>
            {log.topics.map((topic, at) => (
              <li key={at}>
                <code className={styles.value}>{topic}</code>
              </li>
            ))}
          </ol>
          <code className={styles.raw} tabIndex={0}>
            {log.data}
          </code>
        </details>
      )}
    </>
  );
}

/** What contracts logged, decoded where their ABI is known. */
export function LogList({ logs, caption }: { logs: readonly Log[]; caption?: string }) {
  const { t } = useTranslation('ledger');
  return (
    <Card title={t('abi.logs')} caption={caption ?? t('abi.count', { count: logs.length })}>
      <ul className={styles.logs}>
        {logs.map((log, at) => (
          <li key={at}>
            <One log={log} />
          </li>
        ))}
      </ul>
    </Card>
  );
}
