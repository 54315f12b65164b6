import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { create } from 'zustand';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';

const CONFIG = ['config'];

/** Keys whose change waits for a restart; until then for as long as the page is open. */
export const useWaiting = create<{ keys: string[] }>(() => ({ keys: [] }));

export function useConfig() {
  return useQuery({ queryKey: CONFIG, queryFn: () => answer(api.GET('/api/v1/config')) });
}

/** Changes a setting. The node says what is wrong with a value; nothing is checked twice. */
export function useChange(key: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (value: string) =>
      answer(api.PUT('/api/v1/config/{key}', { params: { path: { key } }, body: { value } })),
    onSuccess: (changed) => {
      client.setQueryData<components['schemas']['Configuration']>(
        CONFIG,
        (config) =>
          config && {
            ...config,
            settings: config.settings.map((setting) => (setting.key === key ? { ...setting, ...changed } : setting)),
          },
      );
      if (changed.takes_effect === 'restart') {
        useWaiting.setState(({ keys }) => ({ keys: keys.includes(key) ? keys : [...keys, key] }));
      }
    },
  });
}

/** Stops the node and starts it again. */
export function useRestart() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answer(api.POST('/api/v1/restart')),
    onSuccess: () => {
      useWaiting.setState({ keys: [] });
      void client.invalidateQueries();
    },
  });
}
