import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { problemOf } from '../../api/problem';
import { Button } from '../../look/Button';
import { NumberField } from '../../look/NumberField';
import { Failure } from './Failure';
import type { RateLimits } from './requests';
import styles from './LimitsForm.module.css';

/** People think in kilobytes a second; the API in bytes. */
const KB = 1000;

interface LimitsFormProps {
  limits: RateLimits;
  onSave: (limits: RateLimits) => Promise<unknown>;
  onCancel?: () => void;
}

/** Two limits; an empty field is no limit. */
export function LimitsForm({ limits, onSave, onCancel }: LimitsFormProps) {
  const { t } = useTranslation('files');
  const [down, setDown] = useState(inKb(limits.download));
  const [up, setUp] = useState(inKb(limits.upload));
  const save = useMutation({ mutationFn: onSave });
  const wanted = { download: inBytes(down), upload: inBytes(up) };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(wanted);
  };
  return (
    <form onSubmit={submit} className={styles.form}>
      <div className={styles.fields}>
        <NumberField label={t('limits.down')} unit="kB/s" min={1} step={1} value={down} onChange={setDown} />
        <NumberField label={t('limits.up')} unit="kB/s" min={1} step={1} value={up} onChange={setUp} />
      </div>
      <p className="quiet">{t('limits.empty')}</p>
      <Failure problem={save.error && problemOf(save.error)} />
      <div className={styles.buttons}>
        {onCancel && <Button onPress={onCancel}>{t('cancel')}</Button>}
        <Button type="submit" look={onCancel ? 'primary' : 'plain'} isPending={save.isPending}>
          {t('limits.save')}
        </Button>
      </div>
    </form>
  );
}

function inKb(limit: number | null | undefined): number | null {
  return limit == null ? null : Math.max(1, Math.round(limit / KB));
}

function inBytes(kb: number | null): number | null {
  return kb === null ? null : Math.round(kb) * KB;
}
