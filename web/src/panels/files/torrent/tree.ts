import { priorityOf, type FileStatus, type Priority } from '../requests';

/** A folder of a torrent's file tree. */
export interface Folder {
  kind: 'folder';
  /** From the top, with `/`; empty for the top itself. */
  path: string;
  name: string;
  depth: number;
  size: number;
  done: number;
  /** All files below it, by index. */
  files: number[];
  /** The priority of all of them, if it is one. */
  priority: Priority | null;
  children: Node[];
}

/** A file of the tree. */
export interface Leaf {
  kind: 'file';
  name: string;
  depth: number;
  file: FileStatus;
}

export type Node = Folder | Leaf;

/** The files as a tree, folders and files in the torrent's order. */
export function treeOf(files: readonly FileStatus[]): Folder {
  const root = folder('', '', -1);
  const folders = new Map<string, Folder>([['', root]]);
  for (const file of files) {
    // An empty part would be a folder without a name: `a//b` is `a/b`.
    const parts = file.path.split('/').filter(Boolean);
    const name = parts.pop() ?? file.path;
    let above = root;
    const line = [root];
    let path = '';
    for (const part of parts) {
      path = path === '' ? part : `${path}/${part}`;
      let next = folders.get(path);
      if (next === undefined) {
        next = folder(path, part, above.depth + 1);
        folders.set(path, next);
        above.children.push(next);
      }
      above = next;
      line.push(next);
    }
    above.children.push({ kind: 'file', name, depth: above.depth + 1, file });
    for (const each of line) count(each, file);
  }
  return root;
}

function folder(path: string, name: string, depth: number): Folder {
  return { kind: 'folder', path, name, depth, size: 0, done: 0, files: [], priority: null, children: [] };
}

function count(folder: Folder, file: FileStatus) {
  const priority = priorityOf(file);
  folder.priority = folder.files.length === 0 || folder.priority === priority ? priority : null;
  folder.size += file.size;
  folder.done += file.done;
  folder.files.push(file.index);
}

/** The rows that are seen when these folders are open. */
export function rowsOf(root: Folder, open: ReadonlySet<string>): Node[] {
  const rows: Node[] = [];
  const walk = (nodes: Node[]) => {
    for (const node of nodes) {
      rows.push(node);
      if (node.kind === 'folder' && open.has(node.path)) walk(node.children);
    }
  };
  walk(root.children);
  return rows;
}

/** Few files are shown at once; of many, the top alone. */
const FEW = 40;

/** The folders that are open at first. */
export function openAtFirst(root: Folder): Set<string> {
  const open = new Set<string>();
  const walk = (nodes: Node[]) => {
    for (const node of nodes) {
      if (node.kind !== 'folder') continue;
      open.add(node.path);
      walk(node.children);
    }
  };
  if (root.files.length <= FEW) walk(root.children);
  // A lone folder at the top says nothing while it is closed.
  else if (root.children.length === 1 && root.children[0]?.kind === 'folder') open.add(root.children[0].path);
  return open;
}
