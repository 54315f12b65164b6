import { useState } from 'react';

/** What moves as things come stays where it is while somebody points at it or has stepped into it. */
export function useHeld<T>(now: T): {
  shown: T;
  held: boolean;
  holding: { onPointerEnter: () => void; onPointerLeave: () => void; onFocus: () => void; onBlur: () => void };
} {
  const [kept, setKept] = useState<{ value: T } | null>(null);
  const hold = () => setKept((before) => before ?? { value: now });
  const free = () => setKept(null);
  return {
    shown: kept ? kept.value : now,
    held: kept !== null,
    holding: { onPointerEnter: hold, onPointerLeave: free, onFocus: hold, onBlur: free },
  };
}
