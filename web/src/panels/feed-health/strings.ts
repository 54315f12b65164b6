import type { Strings } from '../panel';

const en: Strings = {
  nav: 'Feed',
  title: 'Event feed',
  now: {
    title: 'How the feed does',
    caption: 'counted since this page was opened',
    rate: 'records a second',
    received: 'records received',
    head: 'last record',
    lag: 'until the last one was here',
    resyncs: 'times it fell behind',
    connections: 'connections made',
    bytes: 'received',
    batch: 'slowest batch',
  },
  ring: {
    title: 'How far back it reaches',
    caption: 'the node keeps the latest records',
    span: 'from {{from}} until now',
    records: 'records kept',
    snapshots: 'snapshots kept',
    length: 'can be shown again',
    unknown: 'The node has not told how far back it reaches.',
  },
  sources: {
    title: 'Where records come from',
    caption: 'of the last {{count}} records',
    source: 'Source',
    kind: 'Most often',
    count: 'Records',
    share: 'Share',
    'share-of': 'Share of {{source}}',
    empty: 'No record has come yet',
    'empty-text': 'Do something with your node, such as adding a link: each change makes a record.',
  },
};

const de: Strings = {
  nav: 'Feed',
  title: 'Ereignis-Feed',
  now: {
    title: 'Wie es dem Feed geht',
    caption: 'gezählt, seit diese Seite offen ist',
    rate: 'Einträge je Sekunde',
    received: 'Einträge empfangen',
    head: 'letzter Eintrag',
    lag: 'bis der letzte hier war',
    resyncs: 'mal zurückgefallen',
    connections: 'Verbindungen',
    bytes: 'empfangen',
    batch: 'langsamster Schub',
  },
  ring: {
    title: 'Wie weit er zurückreicht',
    caption: 'der Knoten behält die letzten Einträge',
    span: 'von {{from}} bis jetzt',
    records: 'Einträge behalten',
    snapshots: 'Schnappschüsse behalten',
    length: 'lässt sich wieder zeigen',
    unknown: 'Der Knoten hat nicht gesagt, wie weit er zurückreicht.',
  },
  sources: {
    title: 'Woher Einträge kommen',
    caption: 'von den letzten {{count}} Einträgen',
    source: 'Quelle',
    kind: 'Am häufigsten',
    count: 'Einträge',
    share: 'Anteil',
    'share-of': 'Anteil von {{source}}',
    empty: 'Noch kam kein Eintrag',
    'empty-text': 'Tu etwas mit deinem Knoten, füge etwa einen Link hinzu: jede Änderung macht einen Eintrag.',
  },
};

export const strings = { en, de };
