import { useQuery } from '@tanstack/react-query';
import { block, blocks, keys, validators } from '../requests';
import type { Checked, Source } from './check';

const source: Source = {
  block: (height) => block(String(height)),
  names: async (height) => (await blocks({ before: height + 1, limit: 1 }))[0]?.validators_hash ?? '',
  validators,
};

let turn: Promise<unknown> = Promise.resolve();

/** One check after the other: each goes on from what the last one found. */
async function inTurn(genesis: string, height: number): Promise<Checked> {
  const { check } = await import('./check');
  const mine = turn.then(() => check(genesis, height, source));
  turn = mine.catch(() => undefined);
  return mine;
}

/** Checks a block in this browser. What is needed for it is loaded when the first one is checked. */
export function useCheck(genesis: string, height: number | undefined) {
  return useQuery({
    queryKey: keys.checked(genesis, height ?? -1),
    queryFn: () => inTurn(genesis, height ?? 0),
    enabled: height !== undefined,
    // A block is what it is.
    staleTime: Infinity,
    gcTime: 60_000,
    retry: false,
  });
}
