import { useTranslation } from 'react-i18next';
import { coins, isDust, weis } from './coins';

/** An amount with its unit: coins, or wei where it is less than could be read. All its digits are in the title. */
export function Coins({ wei }: { wei: string }) {
  const { t } = useTranslation('ledger');
  if (isDust(wei)) return <span>{t('wei', { amount: weis(wei) })}</span>;
  return <span title={t('wei', { amount: weis(wei) })}>{t('coins', { amount: coins(wei) })}</span>;
}
