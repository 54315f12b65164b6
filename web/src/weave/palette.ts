import { useEffect, useState } from 'react';
import { UNDYED, type ThreadOf } from './thread';

/** The theme's colours as a canvas needs them: resolved. */
export interface Palette {
  threads: string[];
  undyed: string;
  ink: string;
  ink2: string;
  line: string;
  sunk: string;
  surface: string;
}

/** Reads the theme's colours from where the element stands. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim() || 'gray';
  return {
    threads: Array.from({ length: 8 }, (_, index) => read(`--t${String(index)}`)),
    undyed: read('--mark'),
    ink: read('--ink'),
    ink2: read('--ink2'),
    line: read('--line'),
    sunk: read('--sunk'),
    surface: read('--surface'),
  };
}

/** The colour of a giver's thread on a canvas. */
export function dyeIn(palette: Palette, peer: string, threadOf: ThreadOf): string {
  if (peer === UNDYED) return palette.undyed;
  return palette.threads[threadOf(peer).index % 8] ?? palette.undyed;
}

/** A number that changes with the theme: what was painted in the old colours is painted again. */
export function useThemeTick(): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const changed = () => {
      setTick((now) => now + 1);
    };
    const observer = new MutationObserver(changed);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme', 'class', 'style'] });
    const system = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null;
    system?.addEventListener('change', changed);
    return () => {
      observer.disconnect();
      system?.removeEventListener('change', changed);
    };
  }, []);
  return tick;
}
