import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../../api/Failure';
import { useFeed } from '../../../feed/store';
import { Button } from '../../../look/Button';
import { coins, isBelowCoin } from '../marks/coins';
import { Hash } from '../marks/Hash';
import { askFaucet } from '../requests';
import styles from './Faucet.module.css';

/** A way to ask peers for coins, for who has next to none. It stays while it has something to say. */
export function Faucet({ balance }: { balance: string }) {
  const { t } = useTranslation('ledger');
  const past = useFeed((state) => state.replay !== null);
  const peers = useFeed((state) => state.ledger.peers.length);
  const ask = useMutation({ mutationFn: askFaucet });
  const offered = isBelowCoin(balance) && peers > 0;
  if (!offered && ask.isIdle) return null;
  return (
    <div className={styles.faucet}>
      {offered && !ask.isSuccess && (
        <>
          <p className="quiet">{t('faucet.text')}</p>
          <Button small isDisabled={past} isPending={ask.isPending} onPress={() => ask.mutate()}>
            {ask.isPending ? t('faucet.going') : t('faucet.go')}
          </Button>
        </>
      )}
      <p role="status" className={styles.says}>
        {ask.data && (
          <>
            {t('faucet.given', { amount: coins(ask.data.amount) })} <Hash of={ask.data.hash} kind="tx" />
          </>
        )}
      </p>
      <Failure of={ask.error} />
    </div>
  );
}
