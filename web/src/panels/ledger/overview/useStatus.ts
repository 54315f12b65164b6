import { useQuery } from '@tanstack/react-query';
import { keys, status } from '../requests';

/** What the feed does not tell of the chain: the pool, the RPC's address, a failure. */
export function useStatus() {
  return useQuery({ queryKey: keys.status, queryFn: status, refetchInterval: 3_000 });
}
