import { useRef, useState } from 'react';
import { problemOf, type Problem } from '../../../api/problem';
import { feedState } from '../../../feed/store';
import { add, resume, setTorrentLimits, type Added, type AddRequest } from '../requests';
import type { Options, Wanted } from './draft';
import { isAbort, shareByUpload, type Sent } from './upload';

/** How far adding is. */
export type Step =
  | { step: 'form'; problem: Problem | null }
  | { step: 'working'; what: 'get' | 'upload' | 'hash'; sent: Sent | null; total: number; name: string }
  | { step: 'shared'; added: Added }
  | { step: 'choose'; added: Added; paused: boolean }
  | { step: 'got'; added: Added; existed: boolean };

interface Adding {
  step: Step;
  begin: (what: Wanted, options: Options) => void;
  /** Stops an upload or a hashing; the form comes back. */
  cancel: () => void;
}

const KB = 1000;

/** Adds something: asks the node, shows how far it is, and where it leads. */
export function useAdding(): Adding {
  const [step, setStep] = useState<Step>({ step: 'form', problem: null });
  const running = useRef<AbortController | null>(null);

  const run = async (what: Wanted, options: Options, signal: AbortSignal): Promise<Step> => {
    const limits = { download: inBytes(options.down), upload: inBytes(options.up) };
    if (what.kind === 'files') {
      const bundle = { ...what.bundle, name: what.bundle.name || options.name.trim() };
      const show = (sent: Sent | null) => {
        setStep({ step: 'working', what: 'upload', sent, total: bundle.bytes, name: bundle.name });
      };
      show(null);
      const added = await shareByUpload(bundle, { public: options.open }, show, signal);
      if (limits.download !== null || limits.upload !== null) await setTorrentLimits(added.info_hash, limits);
      return { step: 'shared', added };
    }
    const request: AddRequest = { public: options.open, limits };
    const { recognised } = what.kind === 'text' ? what : { recognised: null };
    if (recognised?.kind === 'path') {
      setStep({ step: 'working', what: 'hash', sent: null, total: 0, name: recognised.path });
      return { step: 'shared', added: await add({ ...request, path: recognised.path }, signal) };
    }
    const choose = what.kind === 'torrent-file' && options.choose;
    if (options.dir.trim() !== '') request.dir = options.dir.trim();
    request.paused = options.paused || choose;
    if (what.kind === 'torrent-file') request.metainfo = await base64(what.file);
    else if (recognised?.kind === 'magnet') request.magnet = recognised.magnet;
    else if (recognised?.kind === 'info-hash') request.info_hash = recognised.info_hash;
    setStep({ step: 'working', what: 'get', sent: null, total: 0, name: '' });
    const before = new Set(feedState().files.torrents.keys());
    const added = await add(request, signal);
    const existed = before.has(added.info_hash);
    if (!choose || existed) return { step: 'got', added, existed };
    if (added.files.length > 1) return { step: 'choose', added, paused: options.paused };
    // One file leaves nothing to choose.
    if (!options.paused) await resume(added.info_hash);
    return { step: 'got', added, existed };
  };

  return {
    step,
    begin: (what, options) => {
      const controller = new AbortController();
      running.current = controller;
      run(what, options, controller.signal).then(setStep, (error: unknown) => {
        setStep({ step: 'form', problem: isAbort(error) ? null : problemOf(error) });
      });
    },
    cancel: () => {
      running.current?.abort();
    },
  };
}

function inBytes(kb: number | null): number | null {
  return kb === null ? null : Math.round(kb) * KB;
}

/** A file's bytes as the API takes them. */
export async function base64(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  // In parts: the arguments of a call have a limit.
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
