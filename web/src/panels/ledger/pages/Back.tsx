import { useTranslation } from 'react-i18next';
import { TextLink } from '../../../look/TextLink';
import { Search } from '../overview/Search';
import styles from './pages.module.css';

/** The way back to the chain, and on to anything else. */
export function Back() {
  const { t } = useTranslation('ledger');
  return (
    <nav aria-label={t('back.label')} className={styles.back}>
      <TextLink to="/ledger">← {t('back.chain')}</TextLink>
      <Search />
    </nav>
  );
}
