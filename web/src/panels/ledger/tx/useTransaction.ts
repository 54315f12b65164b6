import { useQuery } from '@tanstack/react-query';
import { useGenesis } from '../chain/useChain';
import { keys, transaction, type Transaction } from '../requests';

/** How often it is asked for while it is not final. */
const EVERY_MS = 700;

/** A transaction, asked for until it is final or gone. */
export function useTransaction(hash: string, first?: Transaction) {
  const genesis = useGenesis();
  return useQuery({
    queryKey: keys.transaction(genesis, hash),
    queryFn: () => transaction(hash),
    ...(first && { initialData: first, initialDataUpdatedAt: 0 }),
    refetchInterval: ({ state }) => {
      const waits = state.data?.stage === 'pending' || state.data?.stage === 'queued';
      // It may be on its way to this node, or be dropped: the node's word on that is shown meanwhile.
      return waits ? EVERY_MS : state.data ? false : state.error ? 3_000 : false;
    },
    retry: false,
  });
}
