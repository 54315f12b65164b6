import { useMutation, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../../api/client';
import { Failure } from '../../api/Failure';
import type { components } from '../../api/schema';
import { useFeed } from '../../feed/store';
import type { ContactView, Peer } from '../../feed/types';
import { ago, bytes, count, millis, moment } from '../../figures';
import { Button } from '../../look/Button';
import { Card } from '../../look/Card';
import { Copy } from '../../look/Copy';
import { Empty } from '../../look/Empty';
import { Facts } from '../../look/Facts';
import { Grid } from '../../look/Grid';
import { Name } from '../../look/Name';
import { Table, type Column } from '../../look/Table';
import { TextLink } from '../../look/TextLink';
import { toast } from '../../look/toasts';
import { deviceBehind, usePeerName } from '../../threads';
import { ContactActions } from './ContactActions';
import styles from './OnePeer.module.css';
import { PathWord } from './PathWord';

type Path = components['schemas']['PathSnapshot'];
type Address = components['schemas']['AddressSnapshot'];
type Device = ContactView['devices'][number];

/** Opens and closes connections with a peer that has a key. */
function Connecting({ peer }: { peer: string }) {
  const { t } = useTranslation('peers');
  const past = useFeed((state) => state.replay !== null);
  const connected = useFeed((state) => (state.network.peers.get(peer)?.connections ?? 0) > 0);
  const connect = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/network/connect', { body: { peer } })),
    onSuccess: ({ path }) => toast(t('act.connected', { path: t(`path.${path}`) })),
  });
  const disconnect = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/network/disconnect', { body: { peer } })),
    onSuccess: ({ closed }) => toast(t('act.disconnected', { count: closed })),
  });
  return (
    <div className={styles.connecting}>
      <Button small onPress={() => connect.mutate()} isPending={connect.isPending} isDisabled={past}>
        {t('act.connect')}
      </Button>
      <Button
        small
        onPress={() => disconnect.mutate()}
        isPending={disconnect.isPending}
        isDisabled={past || !connected}
      >
        {t('act.disconnect')}
      </Button>
      <Failure of={connect.error ?? disconnect.error} />
    </div>
  );
}

function Devices({ contact }: { contact: ContactView }) {
  const { t, i18n } = useTranslation('peers');
  const peers = useFeed((state) => state.network.peers);
  const columns = useMemo<Column<Device>[]>(
    () => [
      { id: 'name', head: t('one.device'), cell: (device) => <Name text={device.name} />, isRowHead: true },
      {
        id: 'presence',
        head: t('book.presence'),
        cell: (device) => <PathWord path={peers.get(device.device_key)?.path} />,
      },
      {
        id: 'key',
        head: t('one.key'),
        cell: (device) => <Copy text={device.device_key} what={t('one.key')} />,
      },
      {
        id: 'seen',
        head: t('one.seen'),
        cell: (device) => (device.seen == null ? t('never') : ago(device.seen * 1000)),
        figure: true,
      },
      { id: 'since', head: t('one.certified'), cell: (device) => moment(device.certified * 1000), figure: true },
    ],
    // Figures are written in the language of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, i18n.language, peers],
  );
  return (
    <Card title={t('one.devices')}>
      <Table
        label={`${t('one.devices')}: ${t('look:table')}`}
        columns={columns}
        rows={contact.devices}
        rowKey={(device) => device.device_key}
        empty={<p className="quiet">{t('one.noDevices')}</p>}
      />
      {contact.devices.map((device) => (
        <Connecting key={device.device_key} peer={device.device_key} />
      ))}
    </Card>
  );
}

function Paths({ paths }: { paths: Path[] }) {
  const { t, i18n } = useTranslation('peers');
  const columns = useMemo<Column<Path>[]>(
    () => [
      { id: 'kind', head: t('one.kind'), cell: (path) => <PathWord path={path.path} />, isRowHead: true },
      { id: 'open', head: t('one.open'), cell: (path) => count(path.open), figure: true },
      { id: 'made', head: t('one.made'), cell: (path) => count(path.connections), figure: true },
      { id: 'failed', head: t('one.failed'), cell: (path) => count(path.failures), figure: true },
      { id: 'in', head: t('book.received'), cell: (path) => bytes(path.bytes_in), figure: true },
      { id: 'out', head: t('book.given'), cell: (path) => bytes(path.bytes_out), figure: true },
    ],
    // Figures are written in the language of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, i18n.language],
  );
  return (
    <Card title={t('one.paths')} caption={t('one.pathsCaption')} span={6}>
      <Table
        label={`${t('one.paths')}: ${t('look:table')}`}
        columns={columns}
        rows={paths}
        rowKey={(path) => path.path}
        empty={<p className="quiet">{t('one.noPaths')}</p>}
      />
    </Card>
  );
}

function Addresses({ addresses }: { addresses: Address[] }) {
  const { t, i18n } = useTranslation('peers');
  const columns = useMemo<Column<Address>[]>(
    () => [
      { id: 'address', head: t('one.address'), cell: (at) => <code>{at.address}</code>, isRowHead: true },
      {
        id: 'origin',
        head: t('one.origin'),
        cell: (at) => t(`one.${at.origin}`, { defaultValue: at.origin }),
      },
      { id: 'heard', head: t('one.heard'), cell: (at) => ago(at.heard_ms), figure: true },
      {
        id: 'worked',
        head: t('one.worked'),
        cell: (at) => (at.worked_ms == null ? t('never') : ago(at.worked_ms)),
        figure: true,
      },
    ],
    // Figures are written in the language of the page.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [t, i18n.language],
  );
  return (
    <Card title={t('one.addresses')} span={6}>
      <Table
        label={`${t('one.addresses')}: ${t('look:table')}`}
        columns={columns}
        rows={addresses}
        rowKey={(at) => at.address}
        maxHeight={320}
        empty={<p className="quiet">{t('one.noAddresses')}</p>}
      />
    </Card>
  );
}

function About({ peer }: { peer: Peer }) {
  const { t } = useTranslation('peers');
  const facts = [
    peer.key == null
      ? { term: t('one.address'), value: <Copy text={peer.id} what={t('one.address')} keep={0} /> }
      : { term: t('one.key'), value: <Copy text={peer.key} what={t('one.key')} keep={8} /> },
    { term: t('book.presence'), value: <PathWord path={peer.path} /> },
    { term: t('book.rtt'), value: peer.rtt_ms == null ? '–' : millis(peer.rtt_ms) },
    { term: t('book.received'), value: bytes(peer.bytes_in) },
    { term: t('book.given'), value: bytes(peer.bytes_out) },
    { term: t('one.connections'), value: count(peer.connections) },
    ...(peer.direction ? [{ term: t('one.direction'), value: t(`one.${peer.direction}`) }] : []),
    { term: t('one.first'), value: moment(peer.first_seen_ms) },
    { term: t('one.seen'), value: peer.connections > 0 ? t('now') : ago(peer.last_seen_ms) },
    ...(peer.agent ? [{ term: t('one.agent'), value: <Name text={peer.agent} /> }] : []),
    ...(peer.via_relay == null
      ? []
      : [{ term: t('one.via'), value: <Copy text={peer.via_relay} what={t('one.via')} keep={12} /> }]),
    ...(peer.relays.length > 0
      ? [{ term: t('one.relays'), value: <Name text={peer.relays.map((url) => hostOf(url)).join(', ')} /> }]
      : []),
    ...(peer.last_failure
      ? [
          {
            term: t('one.failure'),
            value: (
              <>
                <Name text={peer.last_failure.reason} /> <span className="quiet">{ago(peer.last_failure.at_ms)}</span>
              </>
            ),
          },
        ]
      : []),
  ];
  return (
    <Card title={t('one.about')}>
      {peer.key == null && <p className="quiet">{t('one.addressOnly')}</p>}
      <Facts facts={facts} />
      {peer.key != null && <Connecting peer={peer.key} />}
    </Card>
  );
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

/** Everything known of one contact, device or address. */
export function OnePeer({ who: given }: { who: string }) {
  const { t } = useTranslation('peers');
  const who = decodeURIComponent(given);
  const contact = useFeed((state) =>
    state.people.contacts.find(
      (known) =>
        known.user_key === who || known.devices.some((device) => device.device_key === deviceBehind(state, who)),
    ),
  );
  const id = contact?.user_key === who ? (contact.devices[0]?.device_key ?? '') : who;
  const seen = useFeed((state) => state.network.peers.get(id));
  const past = useFeed((state) => state.replay !== null);
  const name = usePeerName(who);
  // The feed tells of presence and bytes; paths and addresses are asked for.
  const told = useQuery({
    queryKey: ['network', 'peer', id],
    queryFn: () => answer(api.GET('/api/v1/network/peers/{peer}', { params: { path: { peer: id } } })),
    enabled: seen !== undefined && !past,
    refetchInterval: 5_000,
  });
  const peer: Peer | undefined = seen && { ...told.data, ...seen, paths: told.data?.paths ?? seen.paths };
  const addresses = told.data?.addresses ?? seen?.addresses ?? [];
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <TextLink to="/peers">{t('one.back')}</TextLink>
        <h2 className={styles.name}>
          <Name text={contact ? contact.petname : name} />
          {contact?.blocked && <span className={styles.blocked}>{t('book.blocked')}</span>}
        </h2>
        {contact && <ContactActions contact={contact} details={false} />}
      </div>
      <Grid>
        {contact && (
          <>
            <Devices contact={contact} />
            <Card title={t('one.book')}>
              <Facts
                facts={[
                  { term: t('one.userKey'), value: <Copy text={contact.user_key} what={t('one.userKey')} keep={8} /> },
                  { term: t('one.added'), value: moment(contact.added * 1000) },
                  ...(contact.notes ? [{ term: t('one.notes'), value: <Name text={contact.notes} /> }] : []),
                ]}
              />
            </Card>
          </>
        )}
        {peer && (
          <>
            <About peer={peer} />
            <Paths paths={peer.paths} />
            <Addresses addresses={addresses} />
          </>
        )}
        {!contact && !peer && (
          <Card title={t('one.unknown')}>
            <Empty title={t('one.unknownText')} action={<TextLink to="/peers">{t('one.back')}</TextLink>} />
          </Card>
        )}
      </Grid>
    </div>
  );
}
