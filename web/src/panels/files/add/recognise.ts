/** What somebody pasted or typed to add. */
export type Recognised =
  | { kind: 'magnet'; magnet: string }
  | { kind: 'info-hash'; info_hash: string }
  | { kind: 'path'; path: string }
  | { kind: 'invitation' }
  | { kind: 'address' }
  | { kind: 'nothing' }
  | { kind: 'unknown' };

/** A link longer than this is no link: the node refuses it too. */
const LONGEST = 64 * 1024;

/** Says what a text is: a link, an info-hash, a path of this machine, or nothing of these. */
export function recognise(pasted: string): Recognised {
  const text = pasted.trim();
  if (text === '') return { kind: 'nothing' };
  if (text.length > LONGEST) return { kind: 'unknown' };
  // A link is one line; mail programs break them.
  const line = text.replace(/\s*[\r\n]\s*/g, '');
  if (/^magnet:\?\S+$/i.test(line) && /[?&]xt=urn:bt(ih|mh):/i.test(line)) return { kind: 'magnet', magnet: line };
  if (/^([0-9a-f]{40}|[a-z2-7]{32})$/i.test(line)) return { kind: 'info-hash', info_hash: line };
  if (/^weft:/i.test(line)) return { kind: 'invitation' };
  if (/^(https?|ftp|udp):\/\//i.test(line)) return { kind: 'address' };
  if (line.startsWith('file://')) return fileAddress(line);
  if (text.startsWith('/') || /^[A-Za-z]:[\\/]/.test(text)) return { kind: 'path', path: text };
  return { kind: 'unknown' };
}

/** Whether a paste outside of any field is meant for us: only what can be nothing else. */
export function isLink(pasted: string): boolean {
  const { kind } = recognise(pasted);
  return kind === 'magnet' || kind === 'info-hash';
}

function fileAddress(line: string): Recognised {
  try {
    const url = new URL(line);
    return { kind: 'path', path: decodeURIComponent(url.pathname) };
  } catch {
    return { kind: 'unknown' };
  }
}
