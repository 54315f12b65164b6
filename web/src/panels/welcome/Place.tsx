import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import type { Setup } from './setup';
import { Button } from '../../look/Button';
import { Field } from '../../look/Field';
import { NumberField } from '../../look/NumberField';
import { Step } from './Step';
import styles from './Place.module.css';

const MEGABYTE = 1_000_000;

function set(key: string, value: string) {
  return answer(api.PUT('/api/v1/config/{key}', { params: { path: { key } }, body: { value } }));
}

/** Where files go and how fast; then the first run is over. */
export function Place({ setup, onDone }: { setup: Setup; onDone: () => void }) {
  const { t } = useTranslation('welcome');
  const [dir, setDir] = useState(setup.files_dir);
  const mega = (rate: number | null | undefined) => (rate == null ? null : rate / MEGABYTE);
  const [down, setDown] = useState(mega(setup.download_rate));
  const [up, setUp] = useState(mega(setup.upload_rate));
  const finish = useMutation({
    mutationFn: async () => {
      const bytes = (value: number | null) => String(Math.round((value ?? 0) * MEGABYTE));
      // Only what was changed is written: the rest follows the defaults, also those of later versions.
      if (dir.trim() !== '' && dir !== setup.files_dir) await set('files.dir', dir.trim());
      if (down !== mega(setup.download_rate)) await set('files.download_rate', bytes(down));
      if (up !== mega(setup.upload_rate)) await set('files.upload_rate', bytes(up));
      await answer(api.PUT('/api/v1/setup', { body: { done: true } }));
    },
    onSuccess: onDone,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    finish.mutate();
  };
  return (
    <Step
      step={3}
      steps={3}
      title={t('place.title')}
      actions={
        <Button look="primary" type="submit" form="place" isPending={finish.isPending}>
          {t('place.finish')}
        </Button>
      }
    >
      <p>{t('place.text')}</p>
      <form id="place" onSubmit={submit} className={styles.place}>
        <Field label={t('place.dir')} value={dir} onChange={setDir} mono autoComplete="off" className={styles.whole} />
        <NumberField
          label={t('place.down')}
          value={down}
          onChange={setDown}
          min={0.1}
          step={0.1}
          unit={t('place.unit')}
          hint={t('place.hint')}
        />
        <NumberField
          label={t('place.up')}
          value={up}
          onChange={setUp}
          min={0.1}
          step={0.1}
          unit={t('place.unit')}
          hint={t('place.hint')}
        />
      </form>
      <Failure of={finish.error} />
    </Step>
  );
}
