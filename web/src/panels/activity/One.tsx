import { useTranslation } from 'react-i18next';
import { enterReplay } from '../../feed/replay';
import { useFeed } from '../../feed/store';
import type { FeedRecord } from '../../feed/types';
import { moment, timeOfDay } from '../../figures';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Facts } from '../../look/Facts';
import { Name } from '../../look/Name';
import { TextLink } from '../../look/TextLink';
import { toast } from '../../look/toasts';
import { usePeerName } from '../../threads';
import { peerOf } from './filter';
import styles from './One.module.css';

function Peer({ id }: { id: string }) {
  return (
    <TextLink to={`/peers/${encodeURIComponent(id)}`}>
      <Name text={usePeerName(id)} />
    </TextLink>
  );
}

function Torrent({ info_hash }: { info_hash: string }) {
  const name = useFeed((state) => state.files.torrents.get(info_hash)?.name);
  if (name === undefined) return <Name text={info_hash} />;
  return (
    <TextLink to={`/files/${info_hash}`}>
      <Name text={name} />
    </TextLink>
  );
}

/** One event: its sentence, where it leads, and the raw record one click deeper. */
export function One({ record, say }: { record: FeedRecord | null; say: (record: FeedRecord) => string }) {
  const { t } = useTranslation('activity');
  if (!record) {
    return (
      <Card title={t('one.title', { seq: '' })} span={4}>
        <p className="quiet">{t('one.choose')}</p>
      </Card>
    );
  }
  const peer = peerOf(record);
  const info_hash = record.data['info_hash'];
  return (
    <Card title={t('one.title', { seq: record.seq })} span={4}>
      <div className={styles.one}>
        <p>
          <bdi>{say(record)}</bdi>
        </p>
        <Facts
          facts={[
            { term: t('one.at'), value: `${moment(record.at_ms)} · ${timeOfDay(record.at_ms)}` },
            { term: t('one.source'), value: <Name text={record.source} /> },
            { term: t('one.kind'), value: <Name text={record.kind} /> },
            ...(peer === null ? [] : [{ term: t('one.peer'), value: <Peer id={peer} /> }]),
            ...(typeof info_hash === 'string'
              ? [{ term: t('one.transfer'), value: <Torrent info_hash={info_hash} /> }]
              : []),
          ]}
        />
        <Button
          small
          onPress={() => void enterReplay(record.at_ms).catch((error: Error) => toast(error.message, 'bad'))}
        >
          {t('one.replay')}
        </Button>
        <details>
          <summary>{t('one.raw')}</summary>
          <pre className={styles.raw} tabIndex={0}>
            {JSON.stringify(record, null, 2).slice(0, 20_000)}
          </pre>
        </details>
      </div>
    </Card>
  );
}
