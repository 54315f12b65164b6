import { bundle, torrentFile, type Bundle, type Dropped } from './dropped';
import { recognise, type Recognised } from './recognise';

/** What is about to be added: from the text field, or from files. */
export type Wanted =
  { kind: 'text'; recognised: Recognised } | { kind: 'torrent-file'; file: File } | { kind: 'files'; bundle: Bundle };

/** How it is to be added. */
export interface Options {
  /** Getting: the folder; the node's own where empty. */
  dir: string;
  /** Getting: not before it is resumed. */
  paused: boolean;
  /** Getting by `.torrent`: the files are chosen before anything is fetched. */
  choose: boolean;
  /** Sharing: the link leaves this node's key out. */
  open: boolean;
  /** Sharing several things: what they are called together. */
  name: string;
  down: number | null;
  up: number | null;
}

export const defaults: Options = { dir: '', paused: false, choose: true, open: false, name: '', down: null, up: null };

/** Reads the form: files win over text, since they were given last. */
export function wanted(text: string, files: Dropped[]): Wanted {
  if (files.length === 0) return { kind: 'text', recognised: recognise(text) };
  const file = torrentFile(files);
  return file === null ? { kind: 'files', bundle: bundle(files) } : { kind: 'torrent-file', file };
}

/** Whether it is something to get or to share; nothing while it is not plain. */
export function direction(what: Wanted): 'get' | 'share' | null {
  if (what.kind === 'torrent-file') return 'get';
  if (what.kind === 'files') return 'share';
  const { kind } = what.recognised;
  if (kind === 'magnet' || kind === 'info-hash') return 'get';
  return kind === 'path' ? 'share' : null;
}

/** Whether there is all that is needed. */
export function ready(what: Wanted, options: Options): boolean {
  if (what.kind === 'files')
    return what.bundle.files.length > 0 && (what.bundle.name !== '' || validName(options.name));
  return direction(what) !== null;
}

/** A name that can be a folder's. */
export function validName(name: string): boolean {
  const trimmed = name.trim();
  return trimmed !== '' && trimmed !== '.' && trimmed !== '..' && !/[/\\\0]/.test(trimmed);
}
