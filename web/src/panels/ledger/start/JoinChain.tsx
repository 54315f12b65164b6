import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { useFeed } from '../../../feed/store';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Checkbox } from '../../../look/Checkbox';
import { Field } from '../../../look/Field';
import { join } from '../requests';
import styles from './start.module.css';

/** Onto somebody's chain, by the ticket that one of its nodes gives. */
export function JoinChain() {
  const { t } = useTranslation('ledger');
  const [ticket, setTicket] = useState('');
  const [snapshot, setSnapshot] = useState(false);
  const past = useFeed((state) => state.replay !== null);
  const enter = useMutation({ mutationFn: () => join(ticket.trim(), snapshot) });
  const word = ticket.trim();
  const odd = word !== '' && !word.startsWith('weft:ledger/');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (word !== '' && !odd) enter.mutate();
  };
  return (
    <Card title={t('join.title')} span={6}>
      <form onSubmit={submit} className={styles.form}>
        <p>{t('join.text')}</p>
        <Field
          className={styles.wide}
          label={t('join.ticket')}
          placeholder="weft:ledger/…"
          error={odd ? t('join.odd') : undefined}
          value={ticket}
          onChange={setTicket}
          lines={3}
          mono
        />
        <Checkbox label={t('join.snapshot')} isSelected={snapshot} onChange={setSnapshot} />
        <Failure of={enter.error} />
        <Button type="submit" isPending={enter.isPending} isDisabled={past || word === '' || odd}>
          {enter.isPending ? t('join.going') : t('join.go')}
        </Button>
      </form>
    </Card>
  );
}
