import type { Strings } from '../panels/panel';

/** The primitives' own words. */
export const strings: { en: Strings; de: Strings } = {
  en: {
    cancel: 'Cancel',
    close: 'Close',
    copy: 'Copy',
    copied: 'Copied',
    'copy-what': 'Copy {{what}}',
    'copy-failed': 'Could not copy. Select it and press Ctrl+C.',
    graph: 'Graph',
    table: 'Table',
    'show-as': 'Show as',
    dismiss: 'Dismiss',
    notices: 'Notices',
    'sort-by': 'Sort by {{column}}',
    'table-empty': 'Nothing here yet.',
    unnamed: 'without a name',
  },
  de: {
    cancel: 'Abbrechen',
    close: 'Schließen',
    copy: 'Kopieren',
    copied: 'Kopiert',
    'copy-what': '{{what}} kopieren',
    'copy-failed': 'Kopieren ging nicht. Markieren und Strg+C drücken.',
    graph: 'Bild',
    table: 'Tabelle',
    'show-as': 'Zeigen als',
    dismiss: 'Ausblenden',
    notices: 'Meldungen',
    'sort-by': 'Nach {{column}} ordnen',
    'table-empty': 'Noch nichts.',
    unnamed: 'ohne Namen',
  },
};
