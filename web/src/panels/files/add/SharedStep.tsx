import { useTranslation } from 'react-i18next';
import { Button } from '../../../look/Button';
import { Name } from '../../../look/Name';
import { ShareLink } from '../ShareLink';
import type { Added } from '../requests';
import styles from './AddForm.module.css';

interface SharedStepProps {
  added: Added;
  onOpen: () => void;
  onClose: () => void;
}

/** It is shared: the link to give away. */
export function SharedStep({ added, onOpen, onClose }: SharedStepProps) {
  const { t } = useTranslation('files');
  return (
    <div className={styles.form}>
      <p role="status">{t('add.sharedText')}</p>
      <ShareLink link={added.link} />
      {added.skipped.length > 0 && (
        <details>
          <summary>{t('add.skipped', { count: added.skipped.length })}</summary>
          <ul className="quiet">
            {added.skipped.slice(0, 100).map(({ path, why }) => (
              <li key={path}>
                <Name text={path} /> ({t(`skip.${why}`)})
              </li>
            ))}
          </ul>
        </details>
      )}
      <div className={styles.buttons}>
        <Button onPress={onOpen}>{t('add.watch')}</Button>
        <Button look="primary" onPress={onClose} autoFocus>
          {t('add.done')}
        </Button>
      </div>
    </div>
  );
}
