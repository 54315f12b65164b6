import type { TFunction } from 'i18next';
import { count, rate, bytes } from '../../figures';
import type { components } from '../../api/schema';

export type Setting = components['schemas']['Setting'];

/** Where a value came from, in one word. */
export type Origin = 'default' | 'file' | 'env' | 'flag';

/** An origin as the node tells it: `default`, the file's path, a variable (`WEFT_…`), a flag (`--…`). */
export function originOf(setting: Pick<Setting, 'origin'>): Origin {
  const { origin } = setting;
  if (origin === 'default') return 'default';
  if (/(^|\s|`)WEFT_/.test(origin)) return 'env';
  if (/(^|\s|`)--?\w/.test(origin)) return 'flag';
  return 'file';
}

/** Environment and flags win over the file: here nothing can be changed. */
export function isFixed(setting: Pick<Setting, 'origin'>): boolean {
  const origin = originOf(setting);
  return origin === 'env' || origin === 'flag';
}

/** Rates are bytes a second, and none of them is no limit. */
export function isRate(key: string): boolean {
  return key.endsWith('_rate');
}

/** A value for the eye. */
export function say(t: TFunction, key: string, value: unknown): string {
  if (typeof value === 'boolean') return t(value ? 'on' : 'off');
  if (Array.isArray(value)) return value.length === 0 ? t('none') : value.map(String).join(', ');
  if (typeof value === 'number') {
    if (isRate(key)) return value === 0 ? t('unlimited') : rate(value);
    if (key.endsWith('_memory')) return bytes(value);
    return key.endsWith('port') ? String(value) : count(value);
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' ? t('empty') : text;
}

/** A value as the node reads it. */
export function write(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What the settings page calls a key: dots part i18n's levels, so they are written otherwise. */
export function nameKey(key: string): string {
  return `key.${key.replaceAll('.', '_')}`;
}

/** Settings by section, both in the order the node tells them. */
export function sections(settings: Setting[]): [section: string, settings: Setting[]][] {
  const found = new Map<string, Setting[]>();
  for (const setting of settings) {
    const section = setting.key.split('.')[0] ?? '';
    found.set(section, [...(found.get(section) ?? []), setting]);
  }
  return [...found];
}
