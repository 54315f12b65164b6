import { useState, type DragEvent, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { count } from '../../../figures';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { cx } from '../../../look/cx';
import { Field } from '../../../look/Field';
import styles from './abi.module.css';
import { keepAbi, readAbi, useAbi } from './store';

/** A place for a contract's ABI: pasted, or dropped as the compiler's file. It stays in this browser. */
export function AbiCard({ address }: { address: string }) {
  const { t } = useTranslation('ledger');
  const kept = useAbi(address);
  const [text, setText] = useState('');
  const [odd, setOdd] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const take = (given: string) => {
    const abi = readAbi(given);
    if (!abi) setOdd(t('abi.odd'));
    else if (!keepAbi(address, abi)) setOdd(t('abi.full'));
    else {
      setText('');
      setOdd(null);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) void file.text().then(take);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== '') take(text);
  };
  if (kept !== null) {
    const items = readAbi(kept) ?? [];
    const of = (type: string) => items.filter((item) => item.type === type).length;
    return (
      <Card
        title={t('abi.title')}
        span={7}
        action={
          <Button small look="quiet" onPress={() => keepAbi(address, null)}>
            {t('abi.forget')}
          </Button>
        }
      >
        <p>{t('abi.kept', { functions: count(of('function')), events: count(of('event')) })}</p>
      </Card>
    );
  }
  return (
    <Card title={t('abi.title')} caption={t('abi.caption')} span={7}>
      <form
        onSubmit={submit}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
        className={cx(styles.drop, over && styles.over)}
      >
        <Field
          className={styles.wide}
          label={t('abi.paste')}
          hint={t('abi.hint')}
          error={odd ?? undefined}
          value={text}
          onChange={(next) => {
            setText(next);
            setOdd(null);
          }}
          lines={4}
          mono
        />
        <Button type="submit" isDisabled={text.trim() === ''}>
          {t('abi.keep')}
        </Button>
      </form>
    </Card>
  );
}
