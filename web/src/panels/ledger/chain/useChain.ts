import { useQuery } from '@tanstack/react-query';
import { useFeed } from '../../../feed/store';
import type { BlockView } from '../../../feed/types';
import { blocks, keys } from '../requests';

/** The genesis hash of the chain that runs, or nothing. */
export function useGenesis(): string {
  return useFeed((state) => state.ledger.chain?.genesis ?? '');
}

export function useHeight(): number {
  return useFeed((state) => state.ledger.chain?.height ?? 0);
}

/** As many blocks as a page shows at first. */
const FIRST = 96;

/** The last blocks, newest first: those that were there, and those that came since. */
export function useBlocks(): readonly BlockView[] | undefined {
  const genesis = useGenesis();
  const height = useHeight();
  const seen = useFeed((state) => state.ledger.blocks);
  const { data } = useQuery({
    queryKey: keys.blocks(genesis),
    queryFn: () => blocks({ limit: FIRST }),
    staleTime: Infinity,
  });
  if (!data) return undefined;
  const all = new Map<number, BlockView>();
  for (const block of seen) all.set(block.height, block);
  for (const block of data) all.set(block.height, block);
  // In the past that is replayed there is nothing of what came later.
  const past = [...all.values()].filter((block) => block.height <= height);
  return past.sort((a, b) => b.height - a.height).slice(0, FIRST);
}
