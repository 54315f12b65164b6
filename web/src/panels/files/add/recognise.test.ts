import { describe, expect, test } from 'vitest';
import { isLink, recognise } from './recognise';

const hash = '96102105a9cd1becf2528867e81bebb2e24b85da';
const magnet = `magnet:?xt=urn:btih:${hash}&dn=x&x.weft=key`;

describe('what was pasted', () => {
  test('is a link, also when a mail program broke it', () => {
    expect(recognise(`  ${magnet}\n`)).toEqual({ kind: 'magnet', magnet });
    expect(recognise(`${magnet.slice(0, 30)}\r\n  ${magnet.slice(30)}`)).toEqual({ kind: 'magnet', magnet });
    expect(recognise('MAGNET:?XT=URN:BTIH:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567').kind).toBe('magnet');
  });

  test('is an info-hash in either writing', () => {
    expect(recognise(hash)).toEqual({ kind: 'info-hash', info_hash: hash });
    expect(recognise('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567').kind).toBe('info-hash');
    expect(recognise(hash.slice(1)).kind).toBe('unknown');
  });

  test('is a path of this machine', () => {
    expect(recognise('/home/you/a b')).toEqual({ kind: 'path', path: '/home/you/a b' });
    expect(recognise('file:///home/you/a%20b')).toEqual({ kind: 'path', path: '/home/you/a b' });
    expect(recognise('C:\\films').kind).toBe('path');
    expect(recognise('file:///%E0%A4%A').kind).toBe('unknown');
  });

  test('is something else, which is said', () => {
    expect(recognise('weft:abc').kind).toBe('invitation');
    expect(recognise('https://example.org/x.torrent').kind).toBe('address');
    expect(recognise('magnet:?dn=nothing').kind).toBe('unknown');
    expect(recognise(' \n').kind).toBe('nothing');
    expect(recognise(`magnet:?xt=urn:btih:${'a'.repeat(1e6)}`).kind).toBe('unknown');
  });

  test('outside of a field is taken only when it can be nothing else', () => {
    expect(isLink(magnet)).toBe(true);
    expect(isLink(hash)).toBe(true);
    expect(isLink('/home/you')).toBe(false);
    expect(isLink('a word')).toBe(false);
  });
});
