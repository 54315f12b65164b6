import { csrf } from '../../../api/session';
import { ProblemError, problemFrom, unreachable } from '../../../api/problem';
import { beginUpload, dropUpload, shareUpload, type Added } from '../requests';
import type { Bundle } from './dropped';

/** How far an upload is. */
export interface Sent {
  /** Bytes sent of all files. */
  bytes: number;
  /** The file on its way; none once all are there and the node hashes them. */
  file: string | null;
}

/**
 * Gives the node the files and has it share them. A browser gives bytes, not paths, so they are copied into the node's
 * folder. What an aborted or failed upload left there is thrown away.
 */
export async function shareByUpload(
  bundle: Bundle,
  options: { public: boolean },
  progress: (sent: Sent) => void,
  signal: AbortSignal,
): Promise<Added> {
  const id = await beginUpload(bundle.name);
  try {
    let before = 0;
    for (const { path, file } of bundle.files) {
      progress({ bytes: before, file: path });
      const sum = before;
      await sendFile(id, path, file, signal, (bytes) => {
        progress({ bytes: sum + bytes, file: path });
      });
      before += file.size;
    }
    progress({ bytes: before, file: null });
    return await shareUpload(id, options, signal);
  } catch (error) {
    // The first error is the one to tell; the node throws forgotten uploads away by itself.
    await dropUpload(id).catch(() => undefined);
    throw error;
  }
}

/** `fetch` does not tell how much of a body is sent; the older interface does. */
function sendFile(
  id: string,
  path: string,
  file: File,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(aborted());
      return;
    }
    const request = new XMLHttpRequest();
    const abort = () => {
      request.abort();
    };
    request.open('PUT', `/api/v1/files/uploads/${encodeURIComponent(id)}/files?path=${encodeURIComponent(path)}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    const word = csrf();
    if (word !== null) request.setRequestHeader('X-Weft-CSRF', word);
    request.upload.onprogress = (event) => {
      progress(event.loaded);
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new ProblemError(problemFrom(request.status, parsed(request.responseText))));
    };
    request.onerror = () => {
      reject(new ProblemError(unreachable()));
    };
    request.onabort = () => {
      reject(aborted());
    };
    request.onloadend = () => {
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort);
    request.send(file);
  });
}

function aborted(): DOMException {
  return new DOMException('the upload was cancelled', 'AbortError');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Whether an error only says that the user cancelled. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
