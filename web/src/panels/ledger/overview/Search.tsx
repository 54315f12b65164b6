import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { ProblemError } from '../../../api/problem';
import { Button } from '../../../look/Button';
import { Field } from '../../../look/Field';
import { soughtIn, type Sought } from '../marks/kinds';
import { block, transaction } from '../requests';
import styles from './Search.module.css';

function isUnknown(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.status === 404;
}

/** Where it is shown. A hash is mostly a transaction's; what is neither that nor a block's may have been dropped. */
async function placeOf({ kind, text }: Sought): Promise<string> {
  if (kind === 'account') return `/ledger/account/${text}`;
  if (kind === 'block') return `/ledger/block/${text}`;
  const tx = `/ledger/tx/${text}`;
  try {
    await transaction(text);
    return tx;
  } catch (error) {
    if (!isUnknown(error)) throw error;
  }
  try {
    return `/ledger/block/${(await block(text)).height}`;
  } catch (error) {
    if (!isUnknown(error)) throw error;
    return tx;
  }
}

/** One box for heights, hashes and accounts. */
export function Search() {
  const { t } = useTranslation('ledger');
  const [text, setText] = useState('');
  const [odd, setOdd] = useState(false);
  const [, go] = useLocation();
  const find = useMutation({ mutationFn: placeOf, onSuccess: (place) => go(place) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const sought = soughtIn(text);
    setOdd(sought === null && text.trim() !== '');
    if (sought) find.mutate(sought);
  };
  return (
    <form role="search" onSubmit={submit} className={styles.search}>
      <Field
        className={styles.field}
        label={t('search.label')}
        value={text}
        onChange={(next) => {
          setText(next);
          setOdd(false);
        }}
        error={odd ? t('search.odd') : find.isError ? t('search.failed') : undefined}
        mono
        autoComplete="off"
        maxLength={200}
      />
      <Button type="submit" isPending={find.isPending}>
        {t('search.go')}
      </Button>
    </form>
  );
}
