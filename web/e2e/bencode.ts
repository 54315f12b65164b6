import { createHash } from 'node:crypto';

type Value = string | number | Buffer | Value[] | { [key: string]: Value };

/** Bencode (BEP 3). */
export function bencode(value: Value): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${String(value)}e`);
  if (typeof value === 'string') return bencode(Buffer.from(value));
  if (Buffer.isBuffer(value)) return Buffer.concat([Buffer.from(`${String(value.length)}:`), value]);
  if (Array.isArray(value)) return Buffer.concat([Buffer.from('l'), ...value.map(bencode), Buffer.from('e')]);
  // Keys are sorted by their bytes.
  const keys = Object.keys(value).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const parts = keys.flatMap((key) => [bencode(key), bencode(value[key] ?? '')]);
  return Buffer.concat([Buffer.from('d'), ...parts, Buffer.from('e')]);
}

/** A `.torrent` file that names things nobody has. */
export function torrentOf(name: string, files: string[]): Buffer {
  const pieces = createHash('sha1').update(name).digest();
  const entries = files.map((file) => ({ length: 1000, path: ['folder', file] }));
  const body: Value = entries.length === 0 ? { length: 1000 } : { files: entries };
  return bencode({ info: { name, 'piece length': 16_384, pieces, ...body } });
}
