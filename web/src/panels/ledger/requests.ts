import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';

type Schemas = components['schemas'];
export type Account = Schemas['AccountView'];
export type BlockView = Schemas['BlockView'];
/** A block with everything. Nodes that give neither header nor set are believed less. */
export type BlockDetail = Schemas['BlockDetail'] & { header?: string | null; set?: string | null };
export type ChainStatus = Schemas['ChainStatus'];
export type Entering = Schemas['EnteringStatus'];
export type FaucetGift = Schemas['FaucetGift'];
export type Evidence = Schemas['EvidenceView'];
export type Log = Schemas['LogView'];
export type Init = Schemas['Init'];
export type Stage = Schemas['Stage'];
export type Transaction = Schemas['TransactionView'];
export type Validator = Schemas['ValidatorView'];

/** Everything below it is asked anew when the node is on another chain. */
export const keys = {
  all: ['ledger'] as const,
  status: ['ledger', 'status'] as const,
  candidate: ['ledger', 'candidate'] as const,
  ticket: (genesis: string) => ['ledger', genesis, 'ticket'] as const,
  blocks: (genesis: string) => ['ledger', genesis, 'blocks'] as const,
  block: (genesis: string, id: string) => ['ledger', genesis, 'block', id] as const,
  transaction: (genesis: string, hash: string) => ['ledger', genesis, 'transaction', hash] as const,
  account: (genesis: string, address: string) => ['ledger', genesis, 'account', address] as const,
  waiting: (genesis: string) => ['ledger', genesis, 'waiting'] as const,
  checked: (genesis: string, height: number) => ['ledger', genesis, 'checked', height] as const,
};

export const status = () => answer(api.GET('/api/v1/ledger/status'));
export const candidate = () => answer(api.GET('/api/v1/ledger/candidate'));
export const ticket = () => answer(api.GET('/api/v1/ledger/ticket'));
export const validators = () => answer(api.GET('/api/v1/ledger/validators'));
export const waiting = () => answer(api.GET('/api/v1/ledger/transactions'));
export const leave = () => answer(api.POST('/api/v1/ledger/leave'));

export function init(body: Partial<Init>) {
  // What is absent has the node's default.
  return answer(api.POST('/api/v1/ledger/init', { body: body as Init }));
}

export function join(ticket: string, snapshot: boolean) {
  return answer(api.POST('/api/v1/ledger/join', { body: { ticket, snapshot } as Schemas['Join'] }));
}

export function blocks(query: { before?: number; limit: number }): Promise<BlockView[]> {
  return answer(api.GET('/api/v1/ledger/blocks', { params: { query } }));
}

export function block(id: string): Promise<BlockDetail> {
  return answer(api.GET('/api/v1/ledger/blocks/{block}', { params: { path: { block: id } } }));
}

export function transaction(hash: string): Promise<Transaction> {
  return answer(api.GET('/api/v1/ledger/transactions/{hash}', { params: { path: { hash } } }));
}

export function account(address: string): Promise<Account> {
  return answer(api.GET('/api/v1/ledger/accounts/{address}', { params: { path: { address } } }));
}

/** Sends coins from the user's account; does not wait until it is final. */
export function send(to: string, value: bigint): Promise<Transaction> {
  const body = { to, value: value.toString(), wait: 0 } as Schemas['Send'];
  return answer(api.POST('/api/v1/ledger/send', { body }));
}

/** Asks the peers of this chain for coins for the user's account; does not wait until they are final. */
export function askFaucet(): Promise<FaucetGift> {
  return answer(api.POST('/api/v1/ledger/faucet', { body: { wait: 0 } as Schemas['FaucetRequest'] }));
}
