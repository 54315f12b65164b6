import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button';
import styles from './Copy.module.css';
import { toast } from './toasts';

/** `abcd…wxyz`: what tells one key from another at a glance. */
export function shortened(text: string, keep = 6): string {
  return text.length > keep * 2 + 1 ? `${text.slice(0, keep)}…${text.slice(-keep)}` : text;
}

export interface CopyProps {
  /** Copied whole. */
  text: string;
  /** What it is: "peer key". Told to screen readers. */
  what: string;
  /** Characters kept at each end; 0 shows it whole. */
  keep?: number;
}

/** A key or link in mono, cut in its middle, copied whole. */
export function Copy({ text, what, keep = 6 }: CopyProps) {
  const { t } = useTranslation('look');
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      toast(t('copy-failed'), 'bad');
    }
  };
  return (
    <span className={styles.copy} onPointerLeave={() => setCopied(false)} onBlur={() => setCopied(false)}>
      <code className={styles.text} title={text}>
        {keep === 0 ? text : shortened(text, keep)}
      </code>
      <Button small look="quiet" onPress={copy} aria-label={t('copy-what', { what })} className={styles.button}>
        {copied ? t('copied') : t('copy')}
      </Button>
      <span className="unseen" role="status">
        {copied ? t('copied') : ''}
      </span>
    </span>
  );
}
