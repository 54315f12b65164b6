import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import path from 'node:path';
import readline from 'node:readline';
import type { components } from '../src/api/schema';

type Schemas = components['schemas'];
export type Torrent = Schemas['TorrentStatus'];
export type TorrentMap = Schemas['TorrentMap'];
export type Peer = Schemas['PeerSnapshot'];
export type Network = Schemas['OverlayStatus'];

/** Where the page and the API of every peer are, each on a machine of its own. */
export const PORT = 9338;
export const ORIGIN = `http://127.0.0.1:${String(PORT)}`;

function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: the scenes are run by the end-to-end test, \`make test\``);
  return value;
}

/** A folder for what the scenes make. */
export const FOLDER = given('WEFT_FOLDER');

/** An answer of a node that is no success. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly body: string,
    what: string,
  ) {
    super(`${what}: ${String(status)} ${body.slice(0, 300)}`);
  }
}

/** One peer of the lab: its machine and its node's API. */
export class Node {
  private passage: Promise<string> | null = null;

  constructor(
    readonly name: string,
    readonly netns: string,
    readonly key: string,
    private readonly token: string,
    readonly data: string,
  ) {}

  get = <T>(at: string) => this.ask<T>('GET', at);
  post = <T>(at: string, body: unknown = {}) => this.ask<T>('POST', at, body);
  put = <T>(at: string, body: unknown) => this.ask<T>('PUT', at, body);
  patch = <T>(at: string, body: unknown) => this.ask<T>('PATCH', at, body);
  delete = <T>(at: string) => this.ask<T>('DELETE', at);

  torrents = () => this.get<Torrent[]>('/files/torrents');
  torrent = (infoHash: string) => this.get<Torrent>(`/files/torrents/${infoHash}`);
  map = (infoHash: string, columns: number) =>
    this.get<TorrentMap>(`/files/torrents/${infoHash}/map?columns=${String(columns)}`);
  peer = (key: string) => this.get<Peer>(`/network/peers/${key}`);
  network = () => this.get<Network>('/network/status');

  private async ask<T>(method: string, at: string, body?: unknown): Promise<T> {
    this.passage ??= lead(this.name, this.netns);
    const socketPath = await this.passage;
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const request = http.request(
        {
          socketPath,
          method,
          path: `/api/v1${at}`,
          headers: {
            Host: `127.0.0.1:${String(PORT)}`,
            Authorization: `Bearer ${this.token}`,
            ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
          );
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
    if (status < 200 || status > 299) throw new Refused(status, text, `${this.name}: ${method} ${at}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }
}

/** Opens the way to a machine's loopback. It closes with this process. */
async function lead(name: string, netns: string): Promise<string> {
  const socket = path.join(FOLDER, `${name}.sock`);
  const script = path.join(import.meta.dirname, 'passage.mjs');
  const child = spawn('ip', ['netns', 'exec', netns, process.execPath, script, socket, String(PORT)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return socket;
}

interface Told {
  netns: string;
  key: string;
  token: string;
  data: string;
}

const NAMES = ['oak', 'elm', 'ann', 'ben', 'cara'] as const;
export type Name = (typeof NAMES)[number];

const told = JSON.parse(given('WEFT_PEERS')) as Record<Name, Told>;

/** The five peers. */
export const lab = Object.fromEntries(
  NAMES.map((name) => {
    const { netns, key, token, data } = told[name];
    return [name, new Node(name, netns, key, token, data)];
  }),
) as Record<Name, Node>;

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let turn: Promise<unknown> = Promise.resolve();

/** Has something done to a peer by the one who made the lab. */
export function order<T = null>(what: 'kill' | 'stop' | 'start' | 'login', peer: Name): Promise<T> {
  const asked = turn.then(async () => {
    process.stdout.write(`@${JSON.stringify({ do: what, peer })}\n`);
    const line = await answers.next();
    if (line.done === true) throw new Error('the lab is gone');
    const answer = JSON.parse(line.value) as { ok?: T; error?: string };
    if (answer.error !== undefined) throw new Error(`${what} ${peer}: ${answer.error}`);
    return answer.ok as T;
  });
  // An order that failed does not keep the next one from being given.
  turn = asked.catch(() => undefined);
  return asked;
}

/** Prints a line for people. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
