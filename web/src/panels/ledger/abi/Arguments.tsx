import { useTranslation } from 'react-i18next';
import { Name, shownName } from '../../../look/Name';
import { Who } from '../marks/Who';
import { isAddress } from '../marks/kinds';
import styles from './abi.module.css';
import type { Decoded } from './decode';

/** A call or log in words. Names are the ABI's, values are the chain's: strangers chose both. */
export function Arguments({ of }: { of: Decoded }) {
  const { t } = useTranslation('ledger');
  return (
    <div className={styles.decoded}>
      <p>
        <strong>
          <Name text={of.name} />
        </strong>
        {of.arguments.length === 0 && <span className="quiet"> {t('abi.nothing')}</span>}
      </p>
      {of.arguments.length > 0 && (
        <dl className={styles.arguments}>
          {of.arguments.map(({ name, type, value }, at) => (
            <div key={at}>
              <dt>
                <Name text={name} /> <span className={styles.type}>{shownName(type, 40)}</span>
              </dt>
              <dd>{type === 'address' && isAddress(value) ? <Who address={value} /> : <Value text={value} />}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function Value({ text }: { text: string }) {
  return <bdi className={styles.value}>{shownName(text, 500)}</bdi>;
}
