import { useMutation, useQueryClient } from '@tanstack/react-query';
import { problemOf, type Problem } from '../../api/problem';
import { keys } from './requests';

/** Something the user asked the node to do. */
export interface Action<Variables> {
  run: (variables: Variables) => void;
  isPending: boolean;
  /** Why it did not work, until it is asked again. */
  problem: Problem | null;
  forget: () => void;
}

/** An action on a torrent: whatever is known of it is asked anew afterwards. */
export function useAction<Variables = void>(
  info_hash: string,
  act: (variables: Variables) => Promise<unknown>,
  done?: (variables: Variables) => void,
): Action<Variables> {
  const client = useQueryClient();
  const mutation = useMutation({
    mutationFn: act,
    onSuccess: (_, variables) => done?.(variables),
    onSettled: () => client.invalidateQueries({ queryKey: keys.torrent(info_hash) }),
  });
  return {
    run: (variables) => {
      mutation.mutate(variables);
    },
    isPending: mutation.isPending,
    problem: mutation.error === null ? null : problemOf(mutation.error),
    forget: mutation.reset,
  };
}
