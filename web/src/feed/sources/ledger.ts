import type { Draft } from '../draft';
import {
  emptyState,
  type BlockView,
  type ChainStatus,
  type EvidenceView,
  type LedgerPeer,
  type Validator,
} from '../types';
import { listOf, textOf, type Source } from './source';

/** More blocks than this are not kept: the API has them all. */
const MOST_BLOCKS = 96;
const MOST_CHANGES = 16;

/** A chain of which no more is known than that it runs. */
function begun(chain_id: number, genesis: string, height: number): ChainStatus {
  const pool = { pending: 0, queued: 0, bytes: 0, accepted: 0, refused: 0, included: 0, dropped: 0 };
  const none = {
    hash: '',
    timestamp: 0,
    base_fee: 0,
    validators: 0,
    validating: false,
    peers: 0,
    rpc: '',
    oldest_block: 1,
    pool,
  };
  return { chain_id, genesis, height, ...none };
}

function chain(draft: Draft, change: Partial<ChainStatus>) {
  draft.patch(draft.part('ledger'), 'chain', change);
}

function block(draft: Draft, block: BlockView) {
  const { ledger } = draft.state;
  if (ledger.chain === null || ledger.blocks[0]?.hash === block.hash) return;
  draft.part('ledger').blocks = [block, ...ledger.blocks].slice(0, MOST_BLOCKS);
  chain(draft, { height: block.height, hash: block.hash, timestamp: block.timestamp });
}

/** Who joined, left, or has another power. Nobody did, where nobody was known before. */
function validators(draft: Draft, now: readonly Validator[], at_ms: number) {
  const { validators: before, changes, chain: head } = draft.state.ledger;
  const of = (list: readonly Validator[], { address }: Validator) => list.find((one) => one.address === address);
  const joined = now.filter((one) => !of(before, one));
  const left = before.filter((one) => !of(now, one));
  const weighed = now.filter((one) => (of(before, one)?.power ?? one.power) !== one.power);
  const ledger = draft.part('ledger');
  ledger.validators = now;
  chain(draft, { validators: now.length, validating: now.some(({ me }) => me) });
  if (before.length === 0 || joined.length + left.length + weighed.length === 0) return;
  // They are told of just before the block of the round that runs, and decide the one after it.
  const height = Math.max(head?.height ?? 0, head?.round_height ?? 0) + 1;
  const change = { at_ms, height, joined, left, weighed };
  ledger.changes = [change, ...changes].slice(0, MOST_CHANGES);
}

export const ledger: Source = {
  snapshot(draft, state) {
    const told = state as { chain?: ChainStatus | null; validators?: unknown; peers?: unknown; evidence?: unknown };
    const { genesis, blocks, changes } = { ...draft.state.ledger, genesis: draft.state.ledger.chain?.genesis };
    const again = genesis !== undefined && genesis === told?.chain?.genesis;
    draft.state.ledger = {
      known: told !== undefined,
      chain: told?.chain ?? null,
      because: null,
      validators: listOf<Validator>(told?.validators),
      peers: listOf<LedgerPeer>(told?.peers),
      evidence: listOf<EvidenceView>(told?.evidence),
      // What was seen of the same chain before stays seen.
      blocks: again ? blocks : [],
      changes: again ? changes : [],
    };
  },

  record(draft, { kind, data, at_ms }) {
    switch (kind) {
      case 'started': {
        const { ledger } = draft.state;
        const genesis = String(data['genesis']);
        if (ledger.chain?.genesis === genesis) return;
        // Who validates, and who else is there, may be told just before the start itself.
        const fresh = ledger.chain === null ? ledger : emptyState.ledger;
        const chain = begun(Number(data['chain_id']), genesis, Number(data['height']));
        const { peers, validators } = fresh;
        const counts = { peers: peers.length, validators: validators.length };
        draft.state.ledger = { ...fresh, known: true, because: null, chain: { ...chain, ...counts } };
        return;
      }
      case 'stopped':
        draft.state.ledger = { ...emptyState.ledger, known: true, because: textOf(data['because'], '') || null };
        return;
      case 'round':
        return chain(draft, {
          round_height: Number(data['height']),
          round: Number(data['round']),
          proposer: String(data['proposer']),
        });
      case 'block':
        return block(draft, data['block'] as BlockView);
      case 'validators':
        return validators(draft, listOf<Validator>(data['validators']), at_ms);
      case 'evidence': {
        const evidence = data['evidence'] as EvidenceView;
        const known = draft.state.ledger.evidence;
        const word = JSON.stringify(evidence);
        if (!known.some((one) => JSON.stringify(one) === word)) draft.part('ledger').evidence = [...known, evidence];
        return;
      }
      case 'sync':
        return chain(draft, {
          sync_from: (data['starting'] as number | undefined) ?? null,
          sync_to: (data['highest'] as number | undefined) ?? null,
        });
      case 'peers': {
        const peers = listOf<LedgerPeer>(data['peers']);
        draft.part('ledger').peers = peers;
        return chain(draft, { peers: peers.length });
      }
      default:
        return;
    }
  },
};
