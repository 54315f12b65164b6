import { describe, expect, test } from 'vitest';
import { bundle, readDrop, torrentFile } from './dropped';

const file = (path: string, size = 1) => ({ path, file: new File(['x'.repeat(size)], path.split('/').at(-1) ?? '') });

describe('what was dropped', () => {
  test('is one file, which keeps its name', () => {
    expect(bundle([file('a.txt', 5)])).toMatchObject({ name: 'a.txt', bytes: 5, files: [{ path: 'a.txt' }] });
  });

  test('is one folder, whose files are named below it', () => {
    const { name, files } = bundle([file('trip/a'), file('trip/june/b')]);
    expect([name, files.map(({ path }) => path)]).toEqual(['trip', ['a', 'june/b']]);
  });

  test('is several things, which have no name together', () => {
    expect(bundle([file('a'), file('b')]).name).toBe('');
    expect(bundle([file('trip/a'), file('b')]).name).toBe('');
    expect(bundle([file('trip/a'), file('tripod/b')]).name).toBe('');
  });

  test('is a .torrent file only when it is alone', () => {
    expect(torrentFile([file('x.TORRENT')])?.name).toBe('x.TORRENT');
    expect(torrentFile([file('x.torrent'), file('y.torrent')])).toBeNull();
    expect(torrentFile([file('x.txt')])).toBeNull();
  });

  test('is walked, folder by folder and part by part', async () => {
    const leaf = (name: string) => ({
      isFile: true,
      name,
      file: (done: (file: File) => void) => done(new File(['1'], name)),
    });
    const folder = (name: string, parts: object[][]) => ({
      isFile: false,
      name,
      createReader: () => ({ readEntries: (done: (part: object[]) => void) => done(parts.shift() ?? []) }),
    });
    const entry = folder('top', [[leaf('a')], [folder('in', [[leaf('b')]]), leaf('c')]]);
    const transfer = { items: [{ kind: 'file', webkitGetAsEntry: () => entry }], files: [] };
    const files = await readDrop(transfer as unknown as DataTransfer);
    expect(files.map(({ path }) => path)).toEqual(['top/a', 'top/in/b', 'top/c']);
  });
});
