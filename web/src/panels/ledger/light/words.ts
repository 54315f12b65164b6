import type { TFunction } from 'i18next';
import { count, percent } from '../../../figures';
import type { Checked } from './check';
import { LightError, UNDECIDED } from './error';

/** `n of m signatures, k % of the power`. */
export function signedWords(t: TFunction, { signed }: Checked): string {
  if (!signed) return t('check.genesis', { ns: 'ledger' });
  const share = Number((signed.power * 10_000n) / signed.total) / 10_000;
  const values = { signatures: count(signed.signatures), of: count(signed.of), power: percent(share) };
  return t('check.signed', { ns: 'ledger', ...values });
}

/** What does not hold, as a sentence, and whether it is a lie or merely not known. */
export function flawWords(t: TFunction, error: unknown): { words: string; undecided: boolean } {
  if (!(error instanceof LightError)) return { words: t('check.unasked', { ns: 'ledger' }), undecided: true };
  const { field, who } = error.values;
  const values = { field: field ? t(`check.field.${field}`, { ns: 'ledger' }) : '', who: who ?? '' };
  return {
    words: t(`check.flaw.${error.flaw}`, { ns: 'ledger', ...values }),
    undecided: UNDECIDED.includes(error.flaw),
  };
}
