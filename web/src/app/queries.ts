import { QueryClient } from '@tanstack/react-query';
import { ProblemError } from '../api/problem';

/** A question the node refused is not asked again; one that did not reach it is, twice. */
function again(failures: number, error: Error): boolean {
  if (error instanceof ProblemError && error.problem.status >= 400 && error.problem.status < 500) return false;
  return failures < 2;
}

/** Answers of the node. The feed tells what changes; these are for what the feed does not carry. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: again, staleTime: 5_000, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
});
