/** A file on its way to be shared, with its path below what is shared. */
export interface Dropped {
  path: string;
  file: File;
}

/** What was dropped or picked: what it is called, and its files. */
export interface Bundle {
  name: string;
  files: Dropped[];
  bytes: number;
}

/** More files than this are a mistake more often than a wish: the path on this machine is the better way. */
export const MOST_FILES = 20_000;

/** Files and folders that were dropped. Folders are walked. */
export async function readDrop(transfer: DataTransfer): Promise<Dropped[]> {
  // The list empties when the event is over: every entry is taken before the first wait.
  const entries = Array.from(transfer.items, (item) => (item.kind === 'file' ? item.webkitGetAsEntry() : null));
  const files: Dropped[] = [];
  const known = entries.filter((entry) => entry !== null);
  if (known.length === 0) return Array.from(transfer.files, (file) => ({ path: file.name, file }));
  for (const entry of known) await walk(entry, '', files);
  return files;
}

/** Files that were picked with a file field; a folder's files carry their path. */
export function readPicked(list: FileList): Dropped[] {
  return Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function walk(entry: FileSystemEntry, above: string, files: Dropped[]): Promise<void> {
  if (files.length >= MOST_FILES) return;
  const path = above === '' ? entry.name : `${above}/${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    files.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  // A reader gives a folder in parts, and an empty part at its end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (part.length === 0) return;
    for (const child of part) await walk(child, path, files);
  }
}

/** What the files are together: one file, one folder, or several things that need a name. */
export function bundle(files: Dropped[]): Bundle {
  const bytes = files.reduce((sum, { file }) => sum + file.size, 0);
  const [first] = files;
  if (first === undefined) return { name: '', files, bytes };
  if (files.length === 1 && !first.path.includes('/')) return { name: first.path, files, bytes };
  const root = first.path.split('/')[0] ?? '';
  const oneFolder = files.every(({ path }) => path.startsWith(`${root}/`));
  if (!oneFolder) return { name: '', files, bytes };
  const below = files.map(({ path, file }) => ({ path: path.slice(root.length + 1), file }));
  return { name: root, files: below, bytes };
}

/** The one `.torrent` file among what was dropped, if that is all there is. */
export function torrentFile(files: Dropped[]): File | null {
  const [first, ...others] = files;
  if (first === undefined || others.length > 0) return null;
  return first.path.toLowerCase().endsWith('.torrent') ? first.file : null;
}
