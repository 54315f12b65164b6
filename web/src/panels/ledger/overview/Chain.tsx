import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Copy } from '../../../look/Copy';
import { Confirm } from '../../../look/Dialog';
import { Facts } from '../../../look/Facts';
import { Name } from '../../../look/Name';
import { toast } from '../../../look/toasts';
import { usePeerNames } from '../../../threads';
import { useGenesis } from '../chain/useChain';
import { candidate, keys, leave, ticket } from '../requests';
import styles from './Chain.module.css';
import { useStatus } from './useStatus';

const MOST_PEERS = 8;

/** The chain itself: how it is named, how others get onto it, how this node leaves it. */
export function Chain() {
  const { t } = useTranslation('ledger');
  const genesis = useGenesis();
  const client = useQueryClient();
  const nameOf = usePeerNames();
  const [leaving, setLeaving] = useState(false);
  const past = useFeed((state) => state.replay !== null);
  const peers = useFeed((state) => state.ledger.peers);
  const chain_id = useFeed((state) => state.ledger.chain?.chain_id ?? 0);
  const { data } = useStatus();
  const { data: invite } = useQuery({ queryKey: keys.ticket(genesis), queryFn: ticket, staleTime: 30_000 });
  const { data: own } = useQuery({ queryKey: keys.candidate, queryFn: candidate, staleTime: 60_000 });
  const out = useMutation({
    mutationFn: leave,
    onSuccess: ({ folder }) => {
      toast(t('chain.left', { folder: folder ?? '' }));
      client.removeQueries({ queryKey: keys.all });
    },
  });
  const none = '…';
  const facts = [
    { term: t('chain.id'), value: <Copy text={String(chain_id)} what={t('chain.id')} keep={0} /> },
    { term: t('chain.genesis'), value: <Copy text={genesis} what={t('chain.genesis')} keep={10} /> },
    {
      term: t('chain.ticket'),
      value: invite ? <Copy text={invite.ticket} what={t('chain.ticket')} keep={14} /> : none,
    },
    {
      term: t('chain.candidate'),
      value: own ? <Copy text={own.candidate} what={t('chain.candidate')} keep={14} /> : none,
    },
    {
      term: t('chain.rpc'),
      value: data?.chain?.rpc ? <Copy text={data.chain.rpc} what={t('chain.rpc')} keep={0} /> : none,
    },
    {
      term: t('chain.peers', { count: peers.length }),
      value:
        peers.length === 0 ? (
          t('chain.alone')
        ) : (
          <ul className={styles.peers}>
            {peers.slice(0, MOST_PEERS).map(({ peer }) => (
              <li key={peer}>
                <Name text={nameOf(peer)} />
              </li>
            ))}
            {peers.length > MOST_PEERS && <li>{t('chain.more', { count: peers.length - MOST_PEERS })}</li>}
          </ul>
        ),
    },
  ];
  return (
    <Card
      title={t('chain.title')}
      action={
        <Button look="quiet" small isDisabled={past} onPress={() => setLeaving(true)}>
          {t('chain.leave')}
        </Button>
      }
    >
      <Facts facts={facts} />
      <Confirm
        title={t('chain.leaveTitle')}
        isOpen={leaving}
        onClose={() => setLeaving(false)}
        confirm={t('chain.leaveGo')}
        danger
        onConfirm={() => out.mutateAsync()}
      >
        <p>{t('chain.leaveText')}</p>
      </Confirm>
    </Card>
  );
}
