import { describe, expect, test } from 'vitest';
import { ledgerRecording, recordedState } from '../../tests/recorded';
import { applyRecord, applySnapshot } from './reduce';
import { emptyState, type FeedRecord } from './types';

const { records, snapshot } = ledgerRecording;

function after(kind: string, data: Record<string, unknown>, state = recordedState(undefined, ledgerRecording)) {
  const record: FeedRecord = { seq: state.seq + 1, at_ms: state.at_ms + 1, source: 'ledger', kind, data };
  return applyRecord(state, record);
}

describe('the ledger in the feed', () => {
  test('blocks come newest first, and the chain is where they are', () => {
    const { ledger } = recordedState(undefined, ledgerRecording);
    const heights = ledger.blocks.map(({ height }) => height);
    expect(heights).toEqual([...heights].sort((a, b) => b - a));
    expect(ledger.chain).toMatchObject({ height: heights[0], hash: ledger.blocks[0]?.hash });
  });

  test('changes of the validators are told with who and from when', () => {
    const { ledger } = recordedState(undefined, ledgerRecording);
    expect(ledger.validators).toHaveLength(3);
    expect(
      ledger.changes.map(({ height, left, joined, weighed }) => [height, left.length, joined.length, weighed.length]),
    ).toEqual([
      [321, 1, 0, 0],
      [319, 0, 0, 1],
    ]);
  });

  test('a record taken twice does what it does once', () => {
    let state = applySnapshot(emptyState, snapshot);
    for (const record of records) {
      state = applyRecord(state, record);
      expect(applyRecord({ ...state, seq: record.seq - 1 }, record).ledger).toEqual(state.ledger);
    }
  });

  test('a chain that is entered, caught up with and left', () => {
    let state = after('stopped', { because: null });
    expect(state.ledger).toMatchObject({ known: true, chain: null, because: null, blocks: [], validators: [] });
    state = after('started', { chain_id: 5, genesis: '0x1', height: 0 }, state);
    expect(state.ledger.chain).toMatchObject({ chain_id: 5, genesis: '0x1', height: 0 });
    state = after('sync', { starting: 0, highest: 9 }, state);
    expect(state.ledger.chain).toMatchObject({ sync_from: 0, sync_to: 9 });
    state = after('sync', {}, state);
    expect(state.ledger.chain).toMatchObject({ sync_from: null, sync_to: null });
    expect(after('stopped', { because: 'the disk is full' }, state).ledger.because).toBe('the disk is full');
  });

  test('validators that are told of just before the start are those of the chain', () => {
    const { validators } = recordedState(undefined, ledgerRecording).ledger;
    let state = after('stopped', { because: null });
    state = after('validators', { validators }, state);
    state = after('started', { chain_id: 5, genesis: '0x1', height: 0 }, state);
    expect(state.ledger).toMatchObject({ validators, changes: [], chain: { validators: validators.length } });
  });

  test('evidence is told once', () => {
    const evidence = { validator: '0x1', height: 3, round: 0, what: 'prevote' };
    const state = after('evidence', { evidence });
    expect(state.ledger.evidence).toEqual([evidence]);
    expect(after('evidence', { evidence }, state).ledger.evidence).toHaveLength(1);
  });

  test('a new snapshot of the same chain keeps the blocks that were seen; of another it does not', () => {
    const state = recordedState(undefined, ledgerRecording);
    expect(applySnapshot(state, snapshot).ledger.blocks).toBe(state.ledger.blocks);
    const told = snapshot.state['ledger'] as { chain: object };
    const other = { ...snapshot, state: { ledger: { ...told, chain: { ...told.chain, genesis: '0x2' } } } };
    expect(applySnapshot(state, other).ledger.blocks).toEqual([]);
  });
});
