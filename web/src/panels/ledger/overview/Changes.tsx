import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import type { ValidatorsChange } from '../../../feed/types';
import { count, timeOfDay } from '../../../figures';
import { shortened } from '../../../look/Copy';
import styles from './Validators.module.css';

const MOST = 4;

/** Who joined and left while this page was open. */
export function Changes() {
  const { t } = useTranslation('ledger');
  const changes = useFeed((state) => state.ledger.changes);
  if (changes.length === 0) return null;
  const words = ({ joined, left, weighed }: ValidatorsChange) =>
    (
      [
        ['joined', joined],
        ['left', left],
        ['weighed', weighed],
      ] as const
    )
      .flatMap(([what, list]) =>
        list.map(({ address, power }) => t(`ring.${what}`, { who: shortened(address, 6), power: count(power / 1e9) })),
      )
      .join(' ');
  return (
    <ul className={styles.changes} aria-label={t('ring.changes')}>
      {changes.slice(0, MOST).map((change) => (
        <li key={`${change.height} ${change.at_ms}`}>
          {t('ring.from', { time: timeOfDay(change.at_ms), height: count(change.height) })} {words(change)}
        </li>
      ))}
    </ul>
  );
}
