import { useTranslation } from 'react-i18next';
import { useStatus } from '../../app/status';
import { useFeed } from '../../feed/store';
import { Banner } from '../../look/Banner';
import { Name } from '../../look/Name';
import { TextLink } from '../../look/TextLink';
import styles from './TopTrouble.module.css';

/** The worst of what is wrong: why, what mends it, and the way there. The headline above says what it is. */
export function TopTrouble() {
  const { t } = useTranslation('overview');
  const { trouble, tone, more } = useStatus();
  // A silent node is told of above, by the frame.
  const offline = useFeed((state) => state.connection === 'offline');
  if (!trouble || offline) return null;
  return (
    <section aria-label={t('trouble.label')} className={styles.trouble}>
      <Banner
        tone={tone ?? 'warn'}
        title={<Name text={trouble.because ?? trouble.mend} />}
        action={trouble.go && <TextLink to={trouble.go.to}>{trouble.go.label}</TextLink>}
      >
        {trouble.because && trouble.mend && <Name text={trouble.mend} />}
        {more > 0 && <p>{t('trouble.more', { count: more })}</p>}
      </Banner>
    </section>
  );
}
