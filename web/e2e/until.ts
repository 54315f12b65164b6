/** How long anything here may take that has no time of its own. */
export const LONG = 30_000;
const PACE = 100;

/** Awaits what `probe` gives as soon as it gives something, and says in vain for what if it never does. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false>,
  within = LONG,
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    let last = '';
    try {
      const found = await probe();
      if (found !== null && found !== undefined && found !== false) return found;
    } catch (error) {
      // A node that starts does not answer yet: the last word counts.
      last = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > end) throw new Error(`waited ${String(within / 1000)} s in vain for ${what}${last}`);
    await new Promise((resolve) => setTimeout(resolve, PACE));
  }
}

/** Says what is not as it should be. */
export function must(holds: unknown, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}
