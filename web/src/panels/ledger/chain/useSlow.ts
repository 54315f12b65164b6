import { useEffect, useRef, useState } from 'react';

/** The value, but not newer than every `ms`: for what costs a question to the node. `word` says whether it is another. */
export function useSlow<T>(value: T, word: string, ms: number): T {
  const [slow, setSlow] = useState({ value, word });
  const taken = useRef(0);
  useEffect(() => {
    if (word === slow.word) return;
    const wait = Math.max(0, taken.current + ms - performance.now());
    const timer = setTimeout(() => {
      taken.current = performance.now();
      setSlow({ value, word });
    }, wait);
    return () => clearTimeout(timer);
    // What the word does not tell apart is the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [word, slow.word, ms]);
  return slow.value;
}
