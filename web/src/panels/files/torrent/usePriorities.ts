import { useMutation, useQueryClient } from '@tanstack/react-query';
import { problemOf } from '../../../api/problem';
import type { Action } from '../useAction';
import { keys, setPriorities, type Detail, type Priority } from '../requests';

/** Files and the priority they are to have. */
export interface Wish {
  files: readonly number[];
  priority: Priority;
}

/** Sets priorities. They are shown at once, and taken back when the node refuses. */
export function usePriorities(info_hash: string): Action<Wish> {
  const client = useQueryClient();
  const queryKey = keys.torrent(info_hash);
  const mutation = useMutation({
    mutationFn: ({ files, priority }: Wish) =>
      setPriorities(
        info_hash,
        files.map((file) => ({ file, priority })),
      ),
    onMutate: async (wish) => {
      // An answer that is on its way would show the old priorities again.
      await client.cancelQueries({ queryKey });
      const before = client.getQueryData<Detail>(queryKey);
      client.setQueryData<Detail>(queryKey, (detail) => detail && withPriority(detail, wish));
      return { before };
    },
    onError: (_error, _wish, kept) => {
      if (kept?.before) client.setQueryData(queryKey, kept.before);
    },
    onSettled: () => client.invalidateQueries({ queryKey }),
  });
  return {
    run: (wish) => mutation.mutate(wish),
    isPending: mutation.isPending,
    problem: mutation.error && problemOf(mutation.error),
    forget: mutation.reset,
  };
}

function withPriority(detail: Detail, { files, priority }: Wish): Detail {
  const meant = new Set(files);
  const changed = detail.files.map((file) =>
    meant.has(file.index) ? { ...file, priority, selected: priority !== 'skip' } : file,
  );
  return { ...detail, files: changed };
}
