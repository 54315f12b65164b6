import { useEffect, useRef, useState } from 'react';

/** A value that changes at most once in `every_ms`; the last one always arrives. */
export function useThrottled<T>(value: T, every_ms: number): T {
  const [shown, setShown] = useState(value);
  const last = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, last.current + every_ms - Date.now());
    const timer = setTimeout(() => {
      last.current = Date.now();
      setShown(value);
    }, wait);
    return () => clearTimeout(timer);
  }, [value, every_ms]);
  return shown;
}
