import { describe, expect, test } from 'vitest';
import type { FileStatus, Priority } from '../requests';
import { openAtFirst, rowsOf, treeOf } from './tree';

const file = (index: number, path: string, priority: Priority = 'normal'): FileStatus => ({
  index,
  path,
  size: 10,
  done: index,
  selected: priority !== 'skip',
  priority,
});

describe('the tree of files', () => {
  const root = treeOf([file(0, 'a'), file(1, 'x/b', 'skip'), file(2, 'x/y/c', 'high'), file(3, 'x/y/d', 'high')]);

  test('sums what is in a folder and says a priority that all share', () => {
    expect(root).toMatchObject({ size: 40, done: 6, files: [0, 1, 2, 3], priority: null });
    const x = root.children[1];
    expect(x).toMatchObject({ kind: 'folder', path: 'x', size: 30, files: [1, 2, 3], priority: null });
    expect(x?.kind === 'folder' && x.children[1]).toMatchObject({ path: 'x/y', files: [2, 3], priority: 'high' });
  });

  test('shows what open folders hold', () => {
    const names = (open: string[]) => rowsOf(root, new Set(open)).map((node) => node.name);
    expect(names([])).toEqual(['a', 'x']);
    expect(names(['x'])).toEqual(['a', 'x', 'b', 'y']);
    expect(names(['x', 'x/y'])).toEqual(['a', 'x', 'b', 'y', 'c', 'd']);
    // An open folder in a closed one is not seen.
    expect(names(['x/y'])).toEqual(['a', 'x']);
  });

  test('opens few files whole and of many the top alone', () => {
    expect([...openAtFirst(root)]).toEqual(['x', 'x/y']);
    const many = treeOf(
      Array.from({ length: 100 }, (_, index) => file(index, `top/d${String(index % 7)}/f${String(index)}`)),
    );
    expect([...openAtFirst(many)]).toEqual(['top']);
  });

  test('takes paths as they come: empty parts, dots, a file where a folder is', () => {
    const odd = treeOf([
      file(0, ''),
      file(1, '//'),
      file(2, '../../x'),
      file(3, 'a'),
      file(4, 'a/b'),
      file(5, '__proto__/c'),
    ]);
    expect(odd.files).toEqual([0, 1, 2, 3, 4, 5]);
    const rows = rowsOf(odd, openAtFirst(odd));
    expect(rows.filter((node) => node.kind === 'file')).toHaveLength(6);
  });

  test('says the priority of nodes that know only what is selected', () => {
    const old = treeOf([{ index: 0, path: 'a', size: 1, done: 0, selected: false }]);
    expect(old.priority).toBe('skip');
  });
});
