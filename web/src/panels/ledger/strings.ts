import i18next from 'i18next';
import { de } from './strings.de';
import { en } from './strings.en';

function add() {
  i18next.addResourceBundle('en', 'ledger', en, true);
  i18next.addResourceBundle('de', 'ledger', de, true);
}

// They come with the panel's page: the first load of the dashboard goes without them.
if (i18next.isInitialized) add();
else i18next.on('initialized', add);
