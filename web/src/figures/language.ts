import i18next from 'i18next';

/** The language figures are written in. */
export function language(): string {
  return i18next.resolvedLanguage ?? i18next.language ?? 'en';
}

const kept = new Map<string, Intl.NumberFormat>();

/** A number with a fixed count of decimals. Formatters are dear to make, so each is made once. */
export function number(value: number, decimals: number): string {
  const key = `${language()} ${decimals}`;
  let format = kept.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language(), { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    kept.set(key, format);
  }
  return format.format(value);
}
