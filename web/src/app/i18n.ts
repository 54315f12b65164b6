import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { strings as look } from '../look/strings';
import { panels } from '../panels/registry';
import { strings as frame } from './strings';

export const LANGUAGES = ['en', 'de'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Read by first-paint.js too. */
const KEY = 'weft.language';

function isLanguage(text: string | null | undefined): text is Language {
  return LANGUAGES.some((language) => language === text);
}

function preferred(): Language {
  const chosen = localStorage.getItem(KEY);
  if (isLanguage(chosen)) return chosen;
  for (const wish of navigator.languages ?? []) {
    const base = wish.split('-')[0];
    if (isLanguage(base)) return base;
  }
  return 'en';
}

const namespaces = { frame, look, ...Object.fromEntries(panels.map((panel) => [panel.id, panel.strings])) };

void i18next.use(initReactI18next).init({
  lng: preferred(),
  fallbackLng: 'en',
  defaultNS: 'frame',
  ns: Object.keys(namespaces),
  resources: Object.fromEntries(
    LANGUAGES.map((language) => [
      language,
      Object.fromEntries(Object.entries(namespaces).map(([name, strings]) => [name, strings[language]])),
    ]),
  ),
  // Everything is there from the start: no flash of keys, and no suspense.
  initAsync: false,
  react: { useSuspense: false },
  // React writes text nodes; escaping twice would show `&amp;`.
  interpolation: { escapeValue: false },
});

function told(language: string) {
  document.documentElement.lang = language;
}

told(i18next.language);
i18next.on('languageChanged', told);

/** Changes the page's language and keeps the choice. */
export function setLanguage(language: Language): void {
  localStorage.setItem(KEY, language);
  void i18next.changeLanguage(language);
}

export { i18next };
