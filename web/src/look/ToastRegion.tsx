import { useTranslation } from 'react-i18next';
import { Button } from './Button';
import { cx } from './cx';
import styles from './ToastRegion.module.css';
import { dismiss, useToasts } from './toasts';

/** Where notices stand. Once a page; it is always there, so that what comes into it is read out. */
export function ToastRegion() {
  const { t } = useTranslation('look');
  const toasts = useToasts((state) => state.toasts);
  return (
    <div role="region" aria-label={t('notices')} aria-live="polite" className={styles.region}>
      {toasts.map((toast) => (
        <div key={toast.id} className={cx(styles.toast, toast.tone === 'bad' && styles.bad)}>
          <span>{toast.text}</span>
          <Button small look="quiet" onPress={() => dismiss(toast.id)}>
            {t('dismiss')}
          </Button>
        </div>
      ))}
    </div>
  );
}
