import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Copy } from '../../../look/Copy';
import { Confirm } from '../../../look/Dialog';
import { Field } from '../../../look/Field';
import { TextLink } from '../../../look/TextLink';
import { Coins } from '../marks/Coins';
import { coins, parseCoins } from '../marks/coins';
import { isAddress } from '../marks/kinds';
import { useGenesis, useHeight } from '../chain/useChain';
import { useSlow } from '../chain/useSlow';
import { account, keys, send } from '../requests';
import { Follow } from '../tx/Follow';
import styles from './Send.module.css';
import { Faucet } from './Faucet';
import { useStatus } from './useStatus';

/** Your account: its address and what it has, which changes with blocks. */
function Own({ address }: { address: string }) {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const height = useHeight();
  const at = useSlow(height, String(height), 1_000);
  const { data } = useQuery({
    queryKey: [...keys.account(genesis, address), at],
    queryFn: () => account(address),
    placeholderData: (before) => before,
  });
  return (
    <>
      <div className={styles.own}>
        <span className={styles.balance}>{data ? <Coins wei={data.balance} /> : '…'}</span>
        <span className={styles.address}>
          <Copy text={address} what={t('send.address')} />
          <TextLink to={`/ledger/account/${address}`} className={styles.page}>
            {t('send.account')}
          </TextLink>
        </span>
      </div>
      {data && <Faucet balance={data.balance} />}
    </>
  );
}

/** Coins from your account to another, asked twice, and followed until they are there. */
export function Send() {
  const { t } = useTranslation('ledger');
  const [to, setTo] = useState('');
  const [amount, setAmount] = useState('');
  const [asks, setAsks] = useState(false);
  const past = useFeed((state) => state.replay !== null);
  const { data: status } = useStatus();
  const wei = parseCoins(amount);
  const target = to.trim();
  const go = useMutation({
    mutationFn: () => send(target, wei ?? 0n),
    onSuccess: () => {
      setTo('');
      setAmount('');
    },
  });
  const ready = isAddress(target) && wei !== null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) setAsks(true);
  };
  return (
    <Card title={t('send.title')} caption={t('send.caption')}>
      {status && <Own address={status.account} />}
      <form onSubmit={submit} className={styles.form}>
        <Field
          label={t('send.to')}
          placeholder="0x…"
          error={target !== '' && !isAddress(target) ? t('send.noAccount') : undefined}
          value={to}
          onChange={setTo}
          mono
          autoComplete="off"
          maxLength={64}
        />
        <div className={styles.amount}>
          <Field
            className={styles.grow}
            label={t('send.amount')}
            error={amount !== '' && wei === null ? t('send.noAmount') : undefined}
            value={amount}
            onChange={setAmount}
            autoComplete="off"
            maxLength={50}
          />
          <Button type="submit" isDisabled={past || !ready} isPending={go.isPending}>
            {t('send.go')}
          </Button>
        </div>
      </form>
      <div className={styles.result} role="status">
        {go.data ? <Follow hash={go.data.hash} first={go.data} /> : <p className="quiet">{t('send.follow')}</p>}
      </div>
      <Confirm
        title={t('send.sure')}
        isOpen={asks}
        onClose={() => setAsks(false)}
        confirm={t('send.go')}
        onConfirm={() => go.mutateAsync()}
      >
        <p>{t('send.sureText', { amount: coins(wei ?? 0n, 18) })}</p>
        <code className={styles.target}>{target}</code>
        <p className="quiet">{t('send.final')}</p>
      </Confirm>
    </Card>
  );
}
