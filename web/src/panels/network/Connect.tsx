import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import { useFeed } from '../../feed/store';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Field } from '../../look/Field';
import styles from './Connect.module.css';

/** A connection asked for by hand. */
export function Connect() {
  const { t } = useTranslation('network');
  const [key, setKey] = useState('');
  const past = useFeed((state) => state.replay !== null);
  const connect = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/network/connect', { body: { peer: key.trim() } })),
    onSuccess: () => setKey(''),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (key.trim() !== '') connect.mutate();
  };
  return (
    <Card title={t('connect.title')} caption={t('connect.text')}>
      <form onSubmit={submit} className={styles.connect}>
        <Field
          label={t('connect.key')}
          hint={t('connect.hint')}
          value={key}
          onChange={setKey}
          mono
          autoComplete="off"
        />
        <Button type="submit" isPending={connect.isPending} isDisabled={past || key.trim() === ''}>
          {t('connect.go')}
        </Button>
      </form>
      <Failure of={connect.error} />
      <p role="status" className={styles.done}>
        {connect.data && t('connect.done', { path: t(`connect.${connect.data.path}`) })}
      </p>
    </Card>
  );
}
