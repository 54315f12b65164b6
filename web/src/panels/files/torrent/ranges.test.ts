import { describe, expect, test } from 'vitest';
import type { FileStatus } from '../requests';
import { mediaOf } from './media';
import { hereParts, offsetOf } from './ranges';

const map = {
  pieces: 10,
  piece_length: 100,
  columns: 5,
  givers: [
    { peer: '', pieces: 0 },
    { peer: 'anna', pieces: 5 },
  ],
  giver: [1, 1, -1, 1, 0],
  have: [100, 100, 0, 50, 100],
};

describe('the parts of a file that are here', () => {
  test('are the map’s columns, cut to its bytes', () => {
    // Columns of 200 bytes; the file is bytes 100 to 900 of 1,000.
    expect(hereParts(map, 100, 800)).toEqual([
      { from: 0, to: 0.375, giver: 'anna', have: 1 },
      { from: 0.625, to: 0.875, giver: 'anna', have: 0.5 },
      { from: 0.875, to: 1, giver: '', have: 1 },
    ]);
  });

  test('are all or none where the file lies in one column', () => {
    expect(hereParts(map, 210, 20)).toEqual([{ from: 0, to: 1, giver: 'anna', have: 1 }]);
    expect(hereParts(map, 450, 20)).toEqual([]);
    expect(hereParts(map, 450, 0)).toEqual([]);
  });

  test('begin where the files before it end', () => {
    const files = [5, 7, 11].map((size, index) => ({ index, size }) as FileStatus);
    expect(files.map(({ index }) => offsetOf(files, index))).toEqual([0, 5, 12]);
  });
});

test('media are known by their names; a document that could carry script is none', () => {
  expect(['a.MP4', 'b.flac', 'c/d.webp', 'x.svg', 'y.html', 'mp4', 'z.'].map(mediaOf)).toEqual([
    'video',
    'audio',
    'image',
    null,
    null,
    'video',
    null,
  ]);
});
