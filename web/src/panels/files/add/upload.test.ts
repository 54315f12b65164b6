import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { answerAsRecorded, type Asked } from '../../../../tests/recorded';
import type { ProblemError } from '../../../api/problem';
import { bundle } from './dropped';
import { isAbort, shareByUpload, type Sent } from './upload';

/** A browser's request that the test answers. */
class FakeRequest {
  static sent: FakeRequest[] = [];
  static answer: (request: FakeRequest) => void = (request) => request.finish(204);
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  onload?: () => void;
  onabort?: () => void;
  onloadend?: () => void;
  status = 0;
  responseText = '';
  url = '';
  headers: Record<string, string> = {};
  open(_method: string, url: string) {
    this.url = url;
  }
  setRequestHeader(name: string, value: string) {
    this.headers[name] = value;
  }
  send(body: Blob) {
    FakeRequest.sent.push(this);
    this.upload.onprogress?.({ loaded: body.size });
    FakeRequest.answer(this);
  }
  abort() {
    this.onabort?.();
    this.onloadend?.();
  }
  finish(status: number, text = '') {
    this.status = status;
    this.responseText = text;
    this.onload?.();
    this.onloadend?.();
  }
}

const files = bundle([
  { path: 'trip/a&b.txt', file: new File(['12345'], 'a&b.txt') },
  { path: 'trip/c', file: new File(['678'], 'c') },
]);
const uploads = '/api/v1/files/uploads';
let asked: Asked[] = [];

beforeEach(() => {
  FakeRequest.sent = [];
  FakeRequest.answer = (request) => request.finish(204);
  vi.stubGlobal('XMLHttpRequest', FakeRequest);
  localStorage.setItem('weft.csrf', 'word');
  asked = answerAsRecorded({
    [`POST ${uploads}`]: { status: 201, body: { id: 'u1' } },
    [`POST ${uploads}/u1/share`]: { status: 201, body: { info_hash: 'a'.repeat(40), link: 'magnet:?' } },
    [`DELETE ${uploads}/u1`]: { status: 204 },
  });
});
afterEach(() => vi.unstubAllGlobals());

const calls = () => asked.map(({ method, path }) => `${method} ${path}`);

describe('an upload', () => {
  test('sends each file with the page’s word, says how far it is, and shares', async () => {
    const steps: Sent[] = [];
    const added = await shareByUpload(
      files,
      { public: true },
      (sent) => steps.push(sent),
      new AbortController().signal,
    );
    expect(added.link).toBe('magnet:?');
    expect(FakeRequest.sent.map(({ url }) => url)).toEqual([
      `${uploads}/u1/files?path=a%26b.txt`,
      `${uploads}/u1/files?path=c`,
    ]);
    expect(FakeRequest.sent[0]?.headers).toMatchObject({ 'X-Weft-CSRF': 'word' });
    expect(steps.map(({ bytes }) => bytes)).toEqual([0, 5, 5, 8, 8]);
    expect(steps.at(-1)?.file).toBeNull();
    expect(asked).toMatchObject([{ body: { name: 'trip' } }, { body: { public: true } }]);
  });

  test('that is cancelled is thrown away', async () => {
    const controller = new AbortController();
    FakeRequest.answer = () => controller.abort();
    const error: unknown = await shareByUpload(files, { public: false }, () => {}, controller.signal).catch(
      (e: unknown) => e,
    );
    expect(isAbort(error)).toBe(true);
    expect(calls()).toEqual([`POST ${uploads}`, `DELETE ${uploads}/u1`]);
    expect(FakeRequest.sent).toHaveLength(1);
  });

  test('that the node refuses tells why, and is thrown away', async () => {
    const body = { status: 507, code: 'disk-full', error: 'the disk is full', mend: 'make room' };
    FakeRequest.answer = (request) => request.finish(507, JSON.stringify(body));
    const error: unknown = await shareByUpload(files, { public: false }, () => {}, new AbortController().signal).catch(
      (e: unknown) => e,
    );
    expect((error as ProblemError).problem).toEqual(body);
    expect(calls()).toContain(`DELETE ${uploads}/u1`);
  });
});
