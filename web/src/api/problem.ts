import i18next from 'i18next';
import type { components } from './schema';
import './strings';

/** Why something did not work, and what mends it: what the node answers, or what this page says of a node that is silent. */
export type Problem = components['schemas']['Problem'];

/** A problem that is thrown. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super([problem.error, problem.mend].filter(Boolean).join(' '));
    this.name = 'ProblemError';
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && typeof (value as Problem).error === 'string';
}

/** The problem in an answer that is not a success, whatever its body is. */
export function problemFrom(status: number, body: unknown): Problem {
  if (isProblem(body)) {
    return { status: body.status ?? status, code: body.code ?? 'unknown', error: body.error, mend: body.mend ?? '' };
  }
  const text = typeof body === 'string' && body.length > 0 && body.length < 300 ? body : undefined;
  return { status, code: 'unknown', error: text ?? i18next.t('api:answered', { status }), mend: '' };
}

/** The node cannot be reached at all. */
export function unreachable(): Problem {
  return {
    status: 0,
    code: 'unreachable',
    error: i18next.t('api:unreachable'),
    mend: i18next.t('api:unreachableMend'),
  };
}

/** Anything that was thrown, as a problem to show. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  // `fetch` throws a TypeError for whatever keeps it from an answer, and says nothing a person could use.
  if (thrown instanceof TypeError) return unreachable();
  if (isProblem(thrown)) return thrown;
  const error = thrown instanceof Error ? thrown.message : String(thrown);
  return { status: 0, code: 'unknown', error, mend: '' };
}
