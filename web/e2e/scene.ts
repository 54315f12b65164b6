import type { Window } from './browser';
import type { Name } from './lab';

/** What one scene leaves for the next. */
export interface Stage {
  ann: Window;
  ben: Window;
  cara: Window;
  /** What ann shares: a video and a folder. */
  video: { infoHash: string; link: string; file: string; seconds: number };
  folder: { infoHash: string; link: string; names: string[] };
  /** The relay peer that was killed, and when. */
  killed: { relay: Name; at: number };
  /** When ben's fetch of the video began, in the node's clock, and how far it was a while later. */
  fetched: { began_ms: number; half_ms: number };
}

/** One idea, shown. Returns what was measured, for people. */
export type Scene = (stage: Stage) => Promise<string>;
