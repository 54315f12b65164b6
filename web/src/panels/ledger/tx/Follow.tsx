import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { Hash } from '../marks/Hash';
import type { Transaction } from '../requests';
import { useTransaction } from './useTransaction';
import { Way } from './Way';

/** A transaction just sent, on its way. */
export function Follow({ hash, first }: { hash: string; first: Transaction }) {
  const { t } = useTranslation('ledger');
  const { data, error } = useTransaction(hash, first);
  return (
    <>
      <p>
        {t('send.sent')} <Hash of={hash} kind="tx" />
      </p>
      {data && <Way of={data} gone={error !== null} narrow />}
      <Failure of={error} />
    </>
  );
}
