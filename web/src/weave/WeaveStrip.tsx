import { useState } from 'react';
import { giversOf, woven, type Weave } from './cells';
import { dye, patternOf, type ThreadOf } from './thread';
import styles from './WeaveStrip.module.css';

export interface WeaveStripProps {
  /** Who gave what. Without it (no metadata yet) the strip is a plain bar. */
  weave: Weave | undefined;
  /** 0 to 1. */
  progress: number;
  /** What the strip is of, for those who do not see it. */
  label: string;
  /** The progress in a sentence. */
  sentence: string;
  threadOf: ThreadOf;
}

const HEIGHT = 8;

/** Progress as a woven strip: one mark a column in the hue of who gave it, sunk where it is missing. */
export function WeaveStrip({ weave, progress, label, sentence, threadOf }: WeaveStripProps) {
  const cells = weave?.cells ?? '';
  const givers = weave === undefined ? [] : giversOf(weave);
  const [shown, setShown] = useState({ cells, givers, fresh: [] as number[] });
  if (shown.cells !== cells) setShown({ cells, givers, fresh: woven(shown.givers, givers) });

  const percent = Math.min(100, Math.max(0, Math.floor(progress * 100)));
  const columns = Math.max(1, givers.length);
  return (
    <div
      className={styles.strip}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={sentence}
      data-cells={cells}
      data-givers={weave?.givers.join(' ') ?? ''}
    >
      <svg viewBox={`0 0 ${String(columns)} ${String(HEIGHT)}`} preserveAspectRatio="none" aria-hidden="true">
        {givers.length === 0 ? <Plain progress={progress} /> : <Woven givers={givers} threadOf={threadOf} />}
        {shown.fresh.length > 0 && <path key={cells} className={styles.fresh} d={marks(shown.fresh, 0, HEIGHT)} />}
      </svg>
    </div>
  );
}

function Plain({ progress }: { progress: number }) {
  return (
    <>
      <rect className={styles.missing} width={1} height={HEIGHT} />
      <rect className={styles.undyed} width={Math.min(1, Math.max(0, progress))} height={HEIGHT} />
    </>
  );
}

/** One path for each thread, not one element for each mark: a list of two hundred strips stays light. */
function Woven({ givers, threadOf }: { givers: (string | null)[]; threadOf: ThreadOf }) {
  const missing: number[] = [];
  const threads = new Map<string, { peer: string; columns: number[] }>();
  givers.forEach((peer, column) => {
    if (peer === null) {
      missing.push(column);
      return;
    }
    const key = `${dye(peer, threadOf)} ${String(patternOf(peer, threadOf))}`;
    const thread = threads.get(key);
    if (thread === undefined) threads.set(key, { peer, columns: [column] });
    else thread.columns.push(column);
  });
  return (
    <>
      {missing.length > 0 && <path className={styles.missing} d={marks(missing, 0, HEIGHT)} />}
      {Array.from(threads, ([key, { peer, columns }]) => (
        <g key={key}>
          <path className={styles.mark} fill={dye(peer, threadOf)} d={marks(columns, 0, HEIGHT)} />
          {patternOf(peer, threadOf) === 1 && <path className={styles.cut} d={marks(columns, 3, 2)} />}
          {patternOf(peer, threadOf) === 2 && <path className={styles.cut} d={slits(columns)} />}
        </g>
      ))}
    </>
  );
}

function marks(columns: number[], top: number, height: number): string {
  return columns.map((c) => `M${String(c)} ${String(top)}h1v${String(height)}h-1z`).join('');
}

function slits(columns: number[]): string {
  return columns.map((c) => `M${String(c + 0.4)} 0h.2v${String(HEIGHT)}h-.2z`).join('');
}
