import { useMemo, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useFeed } from '../../../feed/store';
import { count, duration } from '../../../figures';
import { Button } from '../../../look/Button';
import { Card } from '../../../look/Card';
import { Field } from '../../../look/Field';
import { shownName } from '../../../look/Name';
import { Table, type Column } from '../../../look/Table';
import { Failure, sentence } from '../Failure';
import { addPeers, type Detail, type TrackerStatus } from '../requests';
import { useAction } from '../useAction';
import styles from './SourcesCard.module.css';

/** Who is asked for peers: trackers, the DHT, and you. */
export function SourcesCard({ detail }: { detail: Detail }) {
  const { t } = useTranslation('files');
  const columns = useMemo(
    (): Column<TrackerStatus>[] => [
      {
        id: 'url',
        head: t('trackers.tracker'),
        cell: ({ url, message }) => (
          <>
            <bdi className="mono">{shownName(url)}</bdi>
            {message && <div className="quiet">{sentence(shownName(message, 400))}</div>}
          </>
        ),
        isRowHead: true,
      },
      { id: 'state', head: t('trackers.says'), cell: ({ state }) => t(`trackers.${state}`), width: '96px' },
      {
        id: 'seeds',
        head: t('trackers.knows'),
        cell: ({ seeders, leechers }) =>
          seeders == null && leechers == null ? '–' : count((seeders ?? 0) + (leechers ?? 0)),
        figure: true,
        width: '56px',
      },
      {
        id: 'next',
        head: t('trackers.next'),
        cell: ({ next_announce_seconds: next }) => (next == null ? '–' : duration(next)),
        figure: true,
        width: '64px',
      },
    ],
    [t],
  );
  return (
    <Card title={t('trackers.title')} caption={t('trackers.candidates', { count: detail.candidates })} span={6}>
      <div className={styles.sources}>
        <p>
          <Dht isPrivate={detail.private} />
        </p>
        {detail.trackers.length === 0 ? (
          <p className="quiet">{t('trackers.none')}</p>
        ) : (
          <Table
            label={t('tableOf', { what: t('trackers.title') })}
            columns={columns}
            rows={detail.trackers}
            rowKey={({ tier, url }) => `${String(tier)} ${url}`}
            maxHeight={240}
          />
        )}
        <TellOfPeer infoHash={detail.info_hash} />
      </div>
    </Card>
  );
}

function Dht({ isPrivate }: { isPrivate: boolean }) {
  const { t } = useTranslation('files');
  const state = useFeed((feed) => feed.network.status?.dht.state);
  const nodes = useFeed((feed) => feed.network.status?.dht.nodes ?? 0);
  if (isPrivate) return t('dht.private');
  if (state === undefined) return t('dht.unknown');
  return t(`dht.${state}`, { count: nodes });
}

function TellOfPeer({ infoHash }: { infoHash: string }) {
  const { t } = useTranslation('files');
  const [peer, setPeer] = useState('');
  const tell = useAction(
    infoHash,
    (peers: string[]) => addPeers(infoHash, peers),
    () => setPeer(''),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (peer.trim() !== '') tell.run([peer.trim()]);
  };
  return (
    <form onSubmit={submit}>
      <div className={styles.tell}>
        <Field
          label={t('trackers.tell')}
          hint={t('trackers.tellHint')}
          value={peer}
          onChange={setPeer}
          mono
          maxLength={200}
        />
        <Button type="submit" isPending={tell.isPending} isDisabled={peer.trim() === ''}>
          {t('trackers.tellDo')}
        </Button>
      </div>
      <Failure problem={tell.problem} />
    </form>
  );
}
