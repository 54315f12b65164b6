import { useMemo } from 'react';

const CELLS = 5;

/** FNV-1a: spreads the key's characters over 32 bits. */
function spread(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** A small woven picture of a peer key: tells two nodes apart at a glance. It proves nothing; the key does. */
export function Identicon({ of, size = 28 }: { of: string; size?: number }) {
  const { cells, colour } = useMemo(() => {
    const hash = spread(of);
    const half = Math.ceil(CELLS / 2);
    const cells: { x: number; y: number }[] = [];
    for (let y = 0; y < CELLS; y++) {
      for (let x = 0; x < half; x++) {
        if (((hash >>> (y * half + x)) & 1) === 0) continue;
        cells.push({ x, y });
        if (x !== CELLS - 1 - x) cells.push({ x: CELLS - 1 - x, y });
      }
    }
    return { cells, colour: `var(--t${spread(`${of}#`) % 8})` };
  }, [of]);
  return (
    <svg width={size} height={size} viewBox="0 0 28 28" aria-hidden="true">
      {cells.map(({ x, y }) => (
        <rect key={`${x} ${y}`} x={1 + x * 5.3} y={1 + y * 5.3} width="4.6" height="4.6" rx="1" fill={colour} />
      ))}
    </svg>
  );
}
