import { useQueries } from '@tanstack/react-query';
import { block, keys, type BlockDetail } from '../requests';
import { useBlocks, useGenesis } from './useChain';
import { useSlow } from './useSlow';

const EVERY_MS = 2_000;
/** So many transactions of blocks are asked for at a time. */
const MOST_TRANSACTIONS = 400;

/** The last blocks that have transactions, with them, newest first. */
export function useRecent(most: number): { details: readonly BlockDetail[]; known: boolean } {
  const genesis = useGenesis();
  const blocks = useBlocks();
  let room = MOST_TRANSACTIONS;
  const wanted: number[] = [];
  for (const { height, transactions } of blocks ?? []) {
    if (transactions === 0 || wanted.length >= most || (wanted.length > 0 && transactions > room)) continue;
    wanted.push(height);
    room -= transactions;
  }
  const heights = useSlow(wanted, `${String(blocks !== undefined)} ${wanted.join()}`, EVERY_MS);
  return useQueries({
    queries: heights.map((height) => ({
      queryKey: keys.block(genesis, String(height)),
      queryFn: () => block(String(height)),
      staleTime: Infinity,
    })),
    combine: (found) => ({
      details: found.flatMap(({ data }) => (data ? [data] : [])),
      known: blocks !== undefined && found.every(({ isPending }) => !isPending),
    }),
  });
}
