import { useEffect, useRef, type RefObject } from 'react';
import type { Cloth } from './cloth';
import { matrixHeight } from './geometry';
import { lessMotion } from './motion';
import { hatchOf, paintFresh, paintMatrix, paintTop, type Scene } from './paint';
import { readPalette, useThemeTick } from './palette';
import type { ThreadOf } from './thread';

/** How long a cell that was just woven takes to appear. */
const FADE_MS = 200;

/** Keeps a canvas painted: at once when the cloth changes, with a short fade for what was woven meanwhile. */
export function useMatrixCanvas(cloth: Cloth, width: number, threadOf: ThreadOf): RefObject<HTMLCanvasElement | null> {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useThemeTick();
  const before = useRef<Cloth | null>(null);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d') ?? null;
    const fresh = before.current === null ? [] : freshColumns(before.current, cloth);
    before.current = cloth;
    if (element === null || context === null || width <= 0) return;

    const ratio = globalThis.devicePixelRatio || 1;
    const wide = Math.round(width * ratio);
    const tall = Math.round(matrixHeight(cloth.rows.length) * ratio);
    // Setting the size clears a canvas and costs memory: only when it is another one.
    if (element.width !== wide) element.width = wide;
    if (element.height !== tall) element.height = tall;
    const palette = readPalette(element);
    const scene: Scene = { cloth, width, ratio, palette, threadOf, hatch: hatchOf(context, palette, ratio) };
    paintMatrix(context, scene);
    if (fresh.length === 0 || lessMotion()) return;

    const began = performance.now();
    let frame = 0;
    const step = (now: number) => {
      const left = Math.max(0, 1 - (now - began) / FADE_MS);
      paintTop(context, scene);
      if (left === 0) return;
      paintFresh(context, scene, fresh, left);
      frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => {
      cancelAnimationFrame(frame);
    };
  }, [cloth, width, threadOf, theme]);

  return canvas;
}

/** The columns of which more is here than before. */
export function freshColumns(before: Cloth, now: Cloth): number[] {
  if (before.columns !== now.columns || before.pieces !== now.pieces) return [];
  return now.have.flatMap((have, column) => (have > (before.have[column] ?? 0) ? [column] : []));
}
