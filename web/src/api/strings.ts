import i18next from 'i18next';

const en = {
  answered: 'The node answered with status {{status}}.',
  unreachable: 'The node does not answer.',
  unreachableMend: 'See that it runs; `weft up` starts it.',
};

const de: typeof en = {
  answered: 'Der Knoten antwortete mit Status {{status}}.',
  unreachable: 'Der Knoten antwortet nicht.',
  unreachableMend: 'Sieh nach, ob er läuft; `weft up` startet ihn.',
};

function add() {
  i18next.addResourceBundle('en', 'api', en);
  i18next.addResourceBundle('de', 'api', de);
}

// Problems can arise before the frame has set up its languages.
if (i18next.isInitialized) add();
else i18next.on('initialized', add);
