import { useTranslation } from 'react-i18next';
import { percent } from '../../../figures';
import { threadOf } from '../../../threads';
import { dye } from '../../../weave/thread';
import type { FileStatus, TorrentMap } from '../requests';
import { hereParts } from './ranges';
import styles from './PlayerBar.module.css';

/** A part of the running time: from and to, each 0 to 1. */
export interface Span {
  from: number;
  to: number;
}

interface PlayerBarProps {
  map: TorrentMap | undefined;
  file: FileStatus;
  offset: number;
  /** Where it plays, 0 to 1. */
  at: number;
  /** What the browser holds already. */
  buffered: Span[];
}

const WIDTH = 1000;

/** Below the player: what of the file is here, in the threads that gave it; what the browser holds; where it plays. */
export function PlayerBar({ map, file, offset, at, buffered }: PlayerBarProps) {
  const { t } = useTranslation('files');
  const parts = map === undefined ? [] : hereParts(map, offset, file.size);
  const here = percent(file.size === 0 ? 1 : file.done / file.size);
  const x = (part: number) => part * WIDTH;
  return (
    <svg
      className={styles.bar}
      viewBox={`0 0 ${String(WIDTH)} 14`}
      preserveAspectRatio="none"
      role="img"
      aria-label={t('play.bar', { here })}
      data-parts={parts.length}
      data-buffered={buffered.length}
    >
      <rect className={styles.missing} width={WIDTH} height={8} />
      {parts.map((part) => (
        <rect
          key={part.from}
          x={x(part.from)}
          width={x(part.to - part.from)}
          // What is here in part is woven from below, as in the matrix.
          y={8 - Math.max(1, 8 * part.have)}
          height={Math.max(1, 8 * part.have)}
          fill={dye(part.giver, threadOf)}
        />
      ))}
      {buffered.map((span) => (
        <rect
          key={span.from}
          className={styles.buffered}
          x={x(span.from)}
          y={10}
          width={x(span.to - span.from)}
          height={3}
        />
      ))}
      <path className={styles.at} d={`M${String(x(at))} 0v14`} />
    </svg>
  );
}
