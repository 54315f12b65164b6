import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import styles from './Done.module.css';
import { Step } from './Step';

const WAYS = [
  { id: 'file', to: '/files' },
  { id: 'meet', to: '/peers' },
  { id: 'look', to: '/' },
] as const;

/** Ready: three ways on, each to something useful. */
export function Done() {
  const { t } = useTranslation('welcome');
  return (
    <Step title={t('done.title')}>
      <p>{t('done.text')}</p>
      <ul className={styles.ways}>
        {WAYS.map((way) => (
          <li key={way.id}>
            <Link href={way.to} className={styles.way}>
              <span className={styles.name}>{t(`done.${way.id}`)}</span>
              <span className="quiet">{t(`done.${way.id}Text`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Step>
  );
}
