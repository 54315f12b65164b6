// Sets the theme and language chosen by hand before anything is painted. See theme.ts and i18n.ts for the keys.
(function () {
  try {
    var theme = localStorage.getItem('weft.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    var language = localStorage.getItem('weft.language');
    if (language === 'en' || language === 'de') document.documentElement.lang = language;
  } catch {
    // Storage is switched off: the system's theme is shown.
  }
})();
