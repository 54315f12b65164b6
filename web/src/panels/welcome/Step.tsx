import { useEffect, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './Step.module.css';

/** One step: its place, its title (which reading goes on at), what it asks, and the way on. */
export function Step({
  step,
  steps,
  title,
  children,
  actions,
}: {
  step?: number;
  steps?: number;
  title: string;
  children: ReactNode;
  actions?: ReactNode;
}) {
  const { t } = useTranslation('welcome');
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section className={styles.step} aria-labelledby="step">
      {step !== undefined && <p className="quiet">{t('step', { step, steps })}</p>}
      <h2 id="step" ref={heading} tabIndex={-1} className={styles.title}>
        {title}
      </h2>
      {children}
      {actions && <div className={styles.actions}>{actions}</div>}
    </section>
  );
}
