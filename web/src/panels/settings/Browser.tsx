import { useTranslation } from 'react-i18next';
import { signOut } from '../../api/session';
import { LANGUAGES, setLanguage, type Language } from '../../app/i18n';
import { setTheme, THEMES, useTheme } from '../../app/theme';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Select } from '../../look/Select';
import styles from './Browser.module.css';

/** Each language by its own name: who cannot read the page finds theirs. */
const NAMES: Record<Language, string> = { en: 'English', de: 'Deutsch' };

/** What is kept in this browser. */
export function Browser() {
  const { t, i18n } = useTranslation('settings');
  const theme = useTheme((state) => state.theme);
  return (
    <Card title={t('page.title')} caption={t('page.text')} span={6}>
      <div className={styles.browser}>
        <Select
          label={t('page.theme')}
          value={theme}
          onChange={setTheme}
          options={THEMES.map((value) => ({ value, label: t(`page.${value}`) }))}
        />
        <Select
          label={t('page.language')}
          value={i18n.resolvedLanguage as Language}
          onChange={setLanguage}
          options={LANGUAGES.map((value) => ({ value, label: NAMES[value] }))}
        />
        <div className={styles.out}>
          <Button onPress={() => void signOut()}>{t('page.signOut')}</Button>
          <span className="quiet">{t('page.signOutText')}</span>
        </div>
      </div>
    </Card>
  );
}
