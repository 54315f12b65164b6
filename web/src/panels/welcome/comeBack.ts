/** How often a node that starts again is asked whether it is there. */
const ASK_MS = 500;

async function isThere(): Promise<boolean> {
  try {
    return (await fetch(new URL('/api/v1/health', location.origin), { cache: 'no-store' })).status > 0;
  } catch {
    return false;
  }
}

/** Waits until the node went away and is there again, then opens `url`. */
export async function comeBack(url: string): Promise<void> {
  const pause = () => new Promise((resolve) => setTimeout(resolve, ASK_MS));
  // It answers before it stops; a restart that is over sooner than we look is a restart too.
  const until = Date.now() + 10_000;
  while ((await isThere()) && Date.now() < until) await pause();
  while (!(await isThere())) await pause();
  // A change of the fragment alone would not load the page anew.
  history.replaceState(null, '', '/');
  location.replace(url);
  location.reload();
}
