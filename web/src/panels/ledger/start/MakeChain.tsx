import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { useFeed } from '../../../feed/store';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Checkbox } from '../../../look/Checkbox';
import { Field } from '../../../look/Field';
import { NumberField } from '../../../look/NumberField';
import { init, type Init } from '../requests';
import { candidatesIn } from './candidates';
import styles from './start.module.css';

/** 2³¹: some wallets keep a chain's id in a signed 32-bit number. */
const MOST_ID = 2_147_483_647;

/** A chain of one's own: as it is proposed by one click, or otherwise. */
export function MakeChain() {
  const { t } = useTranslation('ledger');
  const past = useFeed((state) => state.replay !== null);
  const [id, setId] = useState<number | null>(null);
  const [others, setOthers] = useState('');
  const [closed, setClosed] = useState(false);
  const [pace, setPace] = useState<number | null>(250);
  const { lines, odd } = candidatesIn(others);
  const make = useMutation({
    mutationFn: () => {
      const body: Partial<Init> = {};
      if (id !== null) body.chain_id = id;
      if (lines.length > 0) body.validators = lines;
      if (closed) body.closed = true;
      if (pace !== null) body.block_time_ms = pace;
      return init(body);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (odd === null) make.mutate();
  };
  return (
    <Card title={t('make.title')} span={6}>
      <form onSubmit={submit} className={styles.form}>
        <p>{t('make.text')}</p>
        <details className={styles.more}>
          <summary>{t('make.more')}</summary>
          <div className={styles.fields}>
            <Field
              className={styles.all}
              label={t('make.others')}
              hint={t('make.othersHint')}
              error={odd === null ? undefined : t('make.odd', { line: odd })}
              value={others}
              onChange={setOthers}
              lines={3}
              mono
            />
            <NumberField
              label={t('make.id')}
              hint={t('make.idHint')}
              value={id}
              onChange={setId}
              min={1}
              max={MOST_ID}
            />
            <NumberField
              label={t('make.pace')}
              hint={t('make.paceHint')}
              value={pace}
              onChange={setPace}
              min={10}
              max={60_000}
              step={10}
              unit="ms"
            />
            <Checkbox className={styles.all} label={t('make.closed')} isSelected={closed} onChange={setClosed} />
          </div>
        </details>
        <Failure of={make.error} />
        <Button look="primary" type="submit" isPending={make.isPending} isDisabled={past || odd !== null}>
          {make.isPending ? t('make.going') : t('make.go')}
        </Button>
      </form>
    </Card>
  );
}
