// Sets theme and language before anything is painted. See theme.ts and i18n.ts, which take over from here.
(function () {
  var root = document.documentElement;
  var theme = null;
  try {
    theme = localStorage.getItem('weft.theme');
    var language = localStorage.getItem('weft.language');
    if (language === 'en' || language === 'de') root.lang = language;
  } catch {
    // Storage is switched off: the system's theme is shown.
  }
  if (theme !== 'light' && theme !== 'dark') {
    theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
  root.dataset.theme = theme;
})();
