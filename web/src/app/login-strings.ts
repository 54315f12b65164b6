import { i18next } from './i18n';

/** Words of the one page that is loaded only where nobody is signed in. */
const en = {
  title: 'Sign in to your node',
  how: 'Type this at a terminal of the machine your node runs on, and open the address it prints:',
  command: 'command',
  why: 'The address works once and for a short time. Whoever opens it can use your node, so keep it to yourself.',
  paste: 'Or paste the address it printed',
  odd: 'This is not an address that weft dashboard prints. It ends in #login= and a code.',
  enter: 'Sign in',
};

const de: typeof en = {
  title: 'Bei deinem Knoten anmelden',
  how: 'Gib das in einem Terminal auf dem Rechner ein, auf dem dein Knoten läuft, und öffne die Adresse, die erscheint:',
  command: 'Befehl',
  why: 'Die Adresse gilt einmal und kurze Zeit. Wer sie öffnet, kann deinen Knoten benutzen: behalte sie für dich.',
  paste: 'Oder füge die Adresse hier ein',
  odd: 'Das ist keine Adresse, die weft dashboard ausgibt. Sie endet mit #login= und einem Code.',
  enter: 'Anmelden',
};

i18next.addResourceBundle('en', 'login', en);
i18next.addResourceBundle('de', 'login', de);
