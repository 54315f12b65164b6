import { afterEach, describe, expect, test } from 'vitest';
import { decodeCall, decodeLog } from './decode';
import { keepAbi, readAbi } from './store';

const TOKEN = JSON.stringify([
  {
    type: 'function',
    name: 'transfer',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'amount', type: 'uint256' },
    ],
    outputs: [],
  },
  {
    type: 'event',
    name: 'Transfer',
    inputs: [
      { name: 'from', type: 'address', indexed: true },
      { name: 'to', type: 'address', indexed: true },
      { name: 'value', type: 'uint256', indexed: false },
    ],
  },
  {
    type: 'function',
    name: 'many',
    stateMutability: 'view',
    inputs: [{ name: 'words', type: 'string[]' }],
    outputs: [],
  },
]);

const word = (hex: string) => hex.padStart(64, '0');
const TO = 'ab'.repeat(20);

describe('decoding', () => {
  test('a call', () => {
    const data = `0xa9059cbb${word(TO)}${word('5')}`;
    expect(decodeCall(TOKEN, data)).toEqual({
      name: 'transfer',
      arguments: [
        { name: 'to', type: 'address', value: expect.stringMatching(new RegExp(`^0x${TO}$`, 'i')) as string },
        { name: 'amount', type: 'uint256', value: '5' },
      ],
    });
  });

  test('a log', () => {
    const topics = [
      '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef',
      `0x${word('1')}`,
      `0x${word(TO)}`,
    ];
    expect(decodeLog(TOKEN, topics, `0x${word('ff')}`)).toMatchObject({
      name: 'Transfer',
      arguments: [{ name: 'from' }, { name: 'to' }, { name: 'value', type: 'uint256', value: '255' }],
    });
  });

  test('what the ABI does not know, is cut, or lies about its length is not guessed', () => {
    expect(decodeCall(TOKEN, '0x12345678')).toBeNull();
    expect(decodeCall(TOKEN, '0xa9059cbb00')).toBeNull();
    expect(decodeCall(TOKEN, '0x')).toBeNull();
    expect(decodeLog(TOKEN, [], '0x')).toBeNull();
    expect(decodeCall('[]', `0xa9059cbb${word(TO)}${word('5')}`)).toBeNull();
    expect(decodeCall('{"a":', '0x')).toBeNull();
    // A list that points at itself, or says that it has 2^255 items.
    const many = '0x8a911417';
    expect(decodeCall(TOKEN, many + word('20') + word('0'))).toMatchObject({
      name: 'many',
      arguments: [{ value: '[]' }],
    });
    const itself = word('20') + word('3000') + word('0').repeat(0x3000);
    const tails = [word('20') + 'f'.repeat(64), word('20') + word('ffffff'), 'f'.repeat(64), itself];
    for (const tail of tails) {
      const found = decodeCall(TOKEN, many + tail);
      expect(found?.arguments[0]?.value.length ?? 0).toBeLessThan(1_000);
    }
  });
});

describe('an ABI', () => {
  afterEach(() => localStorage.clear());

  test('is a list, or a file that has one', () => {
    expect(readAbi(TOKEN)).toHaveLength(3);
    expect(readAbi(JSON.stringify({ contractName: 'T', abi: JSON.parse(TOKEN) as unknown }))).toHaveLength(3);
    for (const odd of ['', '5', 'null', '[]', '{}', '[5]', '[null]', '{"abi":"x"}', 'nonsense']) {
      expect(readAbi(odd), odd).toBeNull();
    }
  });

  test('too long a one is not kept', () => {
    const item = { type: 'function', name: 'x'.repeat(400_000) };
    expect(keepAbi('0x1', [item])).toBe(false);
    expect(keepAbi('0x1', [{ type: 'function', name: 'x' }])).toBe(true);
  });
});
