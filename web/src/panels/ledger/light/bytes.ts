/** Bytes of hexadecimal with `0x`. Null if it is none. */
export function bytesOf(hex: string): Uint8Array<ArrayBuffer> | null {
  if (!/^0x(?:[0-9a-f]{2})*$/i.test(hex)) return null;
  const bytes = new Uint8Array(hex.length / 2 - 1);
  for (let at = 0; at < bytes.length; at++) bytes[at] = Number.parseInt(hex.slice(at * 2 + 2, at * 2 + 4), 16);
  return bytes;
}

export function hexOf(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** Whether two hexadecimals are the same bytes: addresses are written in upper and lower case. */
export function sameHex(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Reads big-endian numbers and pieces one after the other; throws where the bytes end too soon. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('the bytes end too soon');
    const part = this.#bytes.slice(this.#at, end);
    this.#at = end;
    return part;
  }

  hex(length: number): string {
    return hexOf(this.take(length));
  }

  number(length: number): bigint {
    return this.take(length).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError('bytes follow that do not belong to it');
  }
}

/** A number in so many bytes, big endian. */
export function bigEndian(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = length - 1, left = value; at >= 0; at--, left >>= 8n) bytes[at] = Number(left & 0xffn);
  return bytes;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
