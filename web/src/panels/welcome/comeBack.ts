import { csrf } from '../../api/session';

/** How often a node that starts again is asked who it is. */
const ASK_MS = 300;
/** A node that is not there by then is not waited for: the page says what is wrong itself. */
const LONGEST_MS = 60_000;

/** Whether the node does not know this session any more: it is another peer now. */
async function isAnother(): Promise<boolean> {
  try {
    const headers = { 'X-Weft-CSRF': csrf() ?? '' };
    const response = await fetch(new URL('/api/v1/session', location.origin), { headers, cache: 'no-store' });
    return response.status === 401;
  } catch {
    return false;
  }
}

/** Waits until the node is there again as another peer, then opens `url`, which signs in to it. */
export async function comeBack(url: string): Promise<void> {
  const until = Date.now() + LONGEST_MS;
  while (!(await isAnother()) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, ASK_MS));
  const { origin, pathname, hash } = new URL(url);
  if (origin !== location.origin) {
    location.replace(url);
    return;
  }
  // A change of the fragment alone would not load the page anew, and its event would spend the code before it is.
  history.replaceState(null, '', pathname + hash);
  location.reload();
}
