import type { Abi, Hex } from 'viem';
import { decodeEventLog, decodeFunctionData } from 'viem/utils';

/** A value with its name and type, in words. */
export interface Argument {
  name: string;
  type: string;
  value: string;
}

/** A call or a log, decoded. */
export interface Decoded {
  name: string;
  arguments: Argument[];
}

interface Parameter {
  name?: string;
  type: string;
}

const MOST_ITEMS = 50;

/** A decoded value as text: numbers in full, lists in brackets. */
function words(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const more = value.length > MOST_ITEMS ? ', …' : '';
    return `[${value.slice(0, MOST_ITEMS).map(words).join(', ')}${more}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, one]) => `${name}: ${words(one)}`)
      .join(', ')}}`;
  }
  return String(value);
}

function argumentsOf(inputs: readonly Parameter[], args: unknown): Argument[] {
  const value = (name: string | undefined, at: number) =>
    Array.isArray(args) ? (args as unknown[])[at] : (args as Record<string, unknown> | undefined)?.[name ?? ''];
  return inputs.map(({ name, type }, at) => ({ name: name || String(at), type, value: words(value(name, at)) }));
}

function inputsOf(abi: Abi, kind: 'event' | 'function', name: string, count: number): readonly Parameter[] {
  const items = abi.filter((item) => item.type === kind && item.name === name) as { inputs: readonly Parameter[] }[];
  return (items.find(({ inputs }) => inputs.length === count) ?? items[0])?.inputs ?? [];
}

function length(args: unknown): number {
  return Array.isArray(args) ? args.length : Object.keys((args as object | undefined) ?? {}).length;
}

/** What a contract was called with; null if the ABI does not know it. */
export function decodeCall(text: string, data: string): Decoded | null {
  try {
    const abi = JSON.parse(text) as Abi;
    const { functionName, args } = decodeFunctionData({ abi, data: data as Hex });
    return { name: functionName, arguments: argumentsOf(inputsOf(abi, 'function', functionName, length(args)), args) };
  } catch {
    return null;
  }
}

/** What a contract logged; null if the ABI does not know it. */
export function decodeLog(text: string, topics: readonly string[], data: string): Decoded | null {
  try {
    const abi = JSON.parse(text) as Abi;
    const found = decodeEventLog({ abi, topics: [...topics] as [Hex, ...Hex[]], data: data as Hex });
    if (found.eventName === undefined) return null;
    const inputs = inputsOf(abi, 'event', found.eventName, length(found.args));
    return { name: found.eventName, arguments: argumentsOf(inputs, found.args) };
  } catch {
    return null;
  }
}
