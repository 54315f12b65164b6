import { useQuery } from '@tanstack/react-query';
import type { Decoded } from './decode';
import { useAbi } from './store';

/** Decodes by the ABI that this browser keeps for a contract; what decodes is loaded only then. */
export function useDecoded(
  address: string | null | undefined,
  what: { data: string; topics?: readonly string[] },
): { decoded: Decoded | null; known: boolean } {
  const abi = useAbi(address);
  const { data } = useQuery({
    queryKey: ['ledger-decoded', abi, what.data, what.topics?.join() ?? ''],
    queryFn: async () => {
      const { decodeCall, decodeLog } = await import('./decode');
      return what.topics ? decodeLog(abi ?? '', what.topics, what.data) : decodeCall(abi ?? '', what.data);
    },
    enabled: abi !== null,
    staleTime: Infinity,
    gcTime: 10_000,
  });
  return { decoded: data ?? null, known: abi !== null };
}
