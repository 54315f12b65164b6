import { memo, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { bytes, percent } from '../../../figures';
import { Button } from '../../../look/Button';
import { cx } from '../../../look/cx';
import { Meter } from '../../../look/Meter';
import { Name, shownName } from '../../../look/Name';
import { priorityOf, type FileStatus, type Priority } from '../requests';
import { mediaOf } from './media';
import { openAtFirst, rowsOf, treeOf, type Folder, type Node } from './tree';
import type { Wish } from './usePriorities';
import styles from './FileTree.module.css';

/** Rows drawn at once; a torrent may have a hundred thousand files. */
const PAGE = 300;

const priorities: readonly Priority[] = ['skip', 'low', 'normal', 'high'];

export interface FileTreeProps {
  files: readonly FileStatus[];
  onPriority: (wish: Wish) => void;
  /** Shows a file in the page; without it nothing can be played. */
  onPlay?: (file: number) => void;
  /** Saves a file that is here. */
  onSave?: (file: number) => void;
  /** The file that is shown now. */
  playing?: number | null;
  maxHeight?: number;
}

/** A torrent's files with their progress and priority; what is said of a folder is said of all in it. */
export function FileTree({ files, onPriority, onPlay, onSave, playing = null, maxHeight }: FileTreeProps) {
  const { t } = useTranslation('files');
  const root = useMemo(() => treeOf(files), [files]);
  const [open, setOpen] = useState(() => openAtFirst(root));
  const [pages, setPages] = useState(1);
  const rows = rowsOf(root, open);
  const shown = rows.slice(0, pages * PAGE);
  const toggle = (path: string) => {
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(path)) next.add(path);
      return next;
    });
  };
  return (
    <div
      className={styles.scroll}
      style={{ maxHeight }}
      role="group"
      aria-label={t('tableOf', { what: t('tree.title') })}
      tabIndex={0}
    >
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t('tree.name')}</th>
            <th scope="col" className={cx(styles.figure, styles.size)}>
              {t('tree.size')}
            </th>
            <th scope="col" className={styles.done}>
              {t('tree.done')}
            </th>
            <th scope="col" className={styles.priority}>
              {t('tree.priority')}
            </th>
            {(onPlay ?? onSave) && (
              <th scope="col">
                <span className="unseen">{t('list.actions')}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {root.files.length > 1 && (
            <tr>
              <th scope="row">{t('tree.all', { count: root.files.length })}</th>
              <td className={cx(styles.figure, styles.size)}>{bytes(root.size)}</td>
              <Done label={t('tree.all', { count: root.files.length })} done={root.done} size={root.size} />
              <td>
                <Choice label={t('tree.all', { count: root.files.length })} folder={root} onPriority={onPriority} />
              </td>
              {(onPlay ?? onSave) && <td />}
            </tr>
          )}
          {shown.map((node) => (
            <Line
              key={node.kind === 'folder' ? `${node.path}/` : node.file.index}
              node={node}
              isOpen={node.kind === 'folder' && open.has(node.path)}
              onToggle={toggle}
              onPriority={onPriority}
              onPlay={onPlay}
              onSave={onSave}
              isPlaying={node.kind === 'file' && node.file.index === playing}
            />
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <Button small look="quiet" onPress={() => setPages(pages + 1)}>
          {t('tree.more', { count: Math.min(PAGE, rows.length - shown.length) })}
        </Button>
      )}
    </div>
  );
}

interface LineProps {
  node: Node;
  isOpen: boolean;
  onToggle: (path: string) => void;
  onPriority: (wish: Wish) => void;
  onPlay: ((file: number) => void) | undefined;
  onSave: ((file: number) => void) | undefined;
  isPlaying: boolean;
}

const Line = memo(function Line({ node, isOpen, onToggle, onPriority, onPlay, onSave, isPlaying }: LineProps) {
  const { t } = useTranslation('files');
  const name = shownName(node.name);
  const indent = { paddingLeft: `${String(Math.min(node.depth, 12) * 16)}px` };
  const { size, done } = node.kind === 'folder' ? node : node.file;
  const media = node.kind === 'file' ? mediaOf(node.file.path) : null;
  const here = done >= size;
  return (
    <tr aria-current={isPlaying || undefined} data-file={node.kind === 'file' ? node.file.index : undefined}>
      <th scope="row" style={indent}>
        {node.kind === 'folder' ? (
          <button type="button" className={styles.folder} aria-expanded={isOpen} onClick={() => onToggle(node.path)}>
            <span aria-hidden="true" className={cx(styles.arrow, isOpen && styles.open)} />
            <Name text={node.name} />
          </button>
        ) : (
          <span className={styles.file}>
            <Name text={node.name} />
          </span>
        )}
      </th>
      <td className={cx(styles.figure, styles.size)}>{bytes(size)}</td>
      <Done label={name} done={done} size={size} />
      <td>
        <Choice label={name} folder={node.kind === 'folder' ? node : fileAsFolder(node.file)} onPriority={onPriority} />
      </td>
      {(onPlay ?? onSave) && (
        <td className={styles.acts}>
          {node.kind === 'file' && onPlay && media && (
            <Button
              small
              look="quiet"
              aria-label={`${t(`play.${media}`)}: ${name}`}
              onPress={() => onPlay(node.file.index)}
            >
              {t(`play.${media}`)}
            </Button>
          )}
          {node.kind === 'file' && onSave && here && size > 0 && (
            <Button
              small
              look="quiet"
              aria-label={`${t('tree.save')}: ${name}`}
              onPress={() => onSave(node.file.index)}
            >
              {t('tree.save')}
            </Button>
          )}
        </td>
      )}
    </tr>
  );
}, sameLine);

/** A tree is built anew with each answer: a line whose figures are the same is not drawn again. */
function sameLine(a: LineProps, b: LineProps): boolean {
  if (a.isOpen !== b.isOpen || a.isPlaying !== b.isPlaying || a.node.kind !== b.node.kind) return false;
  if (a.onPlay !== b.onPlay || a.onSave !== b.onSave) return false;
  if (a.node.kind === 'file' && b.node.kind === 'file') {
    const [x, y] = [a.node.file, b.node.file];
    return x.done === y.done && x.size === y.size && x.path === y.path && priorityOf(x) === priorityOf(y);
  }
  if (a.node.kind === 'folder' && b.node.kind === 'folder') {
    const [x, y] = [a.node, b.node];
    return x.done === y.done && x.priority === y.priority && x.path === y.path && x.files.length === y.files.length;
  }
  return false;
}

function fileAsFolder(file: FileStatus): Pick<Folder, 'files' | 'priority'> {
  return { files: [file.index], priority: priorityOf(file) };
}

function Done({ label, done, size }: { label: string; done: number; size: number }) {
  const { t } = useTranslation('files');
  const part = size === 0 ? 1 : done / size;
  return (
    <td className={styles.done}>
      <span className={styles.meter}>
        <Meter label={t('list.progressOf', { name: label })} value={part} text={percent(part)} />
      </span>
      <span className={styles.percent}>{percent(part)}</span>
    </td>
  );
}

interface ChoiceProps {
  label: string;
  folder: Pick<Folder, 'files' | 'priority'>;
  onPriority: (wish: Wish) => void;
}

/** The system's own list: a tree may have hundreds of them. */
function Choice({ label, folder, onPriority }: ChoiceProps) {
  const { t } = useTranslation('files');
  return (
    <select
      className={styles.choice}
      aria-label={t('tree.priorityOf', { name: label })}
      value={folder.priority ?? 'mixed'}
      onChange={(event) => {
        const priority = priorities.find((one) => one === event.target.value);
        if (priority !== undefined) onPriority({ files: folder.files, priority });
      }}
    >
      {folder.priority === null && (
        <option value="mixed" disabled>
          {t('priority.mixed')}
        </option>
      )}
      {priorities.map((priority) => (
        <option key={priority} value={priority}>
          {t(`priority.${priority}`)}
        </option>
      ))}
    </select>
  );
}
