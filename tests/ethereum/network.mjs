// The network under test: its nodes, a key for each client, and what must hold on every node.
import assert from 'node:assert/strict'
import { until } from './checks.mjs'

/** Each has a key of its own, by its place, so that they can run at once. */
export const CLIENTS = ['ethers', 'viem', 'web3py', 'cast', 'forge', 'hardhat', 'metamask']

function list(name) {
  const all = (process.env[name] ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
  if (all.length === 0) throw new Error(`${name} is not set: see README.md`)
  return all
}

/** HTTP addresses of all nodes. */
export const nodes = list('WEFT_RPC')
const keys = list('WEFT_KEYS')

/** `all 4 nodes`, for the names of checks. */
export const everywhere = nodes.length === 1 ? 'the one node' : `all ${nodes.length} nodes`

/** The node that a client talks with, and the funded key that is its own. */
export function place(client) {
  const at = CLIENTS.indexOf(client)
  assert.ok(at >= 0, `no client ${client}`)
  assert.ok(keys[at], `WEFT_KEYS has ${keys.length} keys; ${client} needs the one at place ${at + 1}`)
  const http = nodes[at % nodes.length]
  return { http, ws: http.replace(/^http/, 'ws'), key: keys[at] }
}

async function post(url, body) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
  assert.equal(answer.status, 200, `${url} answers ${answer.status}`)
  return answer.json()
}

/** A call without any library: its result, or an error with the answer's code and words. */
export async function rpc(url, method, params = []) {
  const { result, error } = await post(url, { jsonrpc: '2.0', id: 1, method, params })
  if (error) throw Object.assign(new Error(`${method}: ${error.message} (${error.code})`), error)
  return result
}

/** Several calls in one request, answered in any order. */
export async function batch(url, calls) {
  const requests = calls.map(([method, params = []], id) => ({ jsonrpc: '2.0', id, method, params }))
  const answers = await post(url, requests)
  assert.equal(answers.length, calls.length)
  return requests.map(({ id, method }) => {
    const { result, error } = answers.find((answer) => answer.id === id)
    if (error) throw Object.assign(new Error(`${method}: ${error.message} (${error.code})`), error)
    return result
  })
}

/** What is in a block is final: the three tags name one block. The chain may move while they are asked for. */
function finalBlock(url) {
  return until(`latest, safe and finalized are one block on ${url}`, async () => {
    const tags = ['latest', 'safe', 'finalized']
    const blocks = await batch(
      url,
      tags.map((tag) => ['eth_getBlockByNumber', [tag, false]]),
    )
    const [latest, safe, finalized] = blocks.map((block) => `${Number(block.number)} ${block.hash}`)
    assert.deepEqual({ safe, finalized }, { safe: latest, finalized: latest })
    return blocks[0]
  })
}

/** The receipt of a transaction, once every node has it and all of them say the same of it. */
export async function finalReceipt(hash, status = '0x1') {
  const receipts = await Promise.all(
    nodes.map((url) => until(`the receipt of ${hash} on ${url}`, () => rpc(url, 'eth_getTransactionReceipt', [hash]))),
  )
  const [receipt] = receipts
  assert.equal(receipt.status, status)
  for (const other of receipts) assert.deepEqual(other, receipt)
  for (const url of nodes) {
    const last = await finalBlock(url)
    assert.ok(BigInt(last.number) >= BigInt(receipt.blockNumber), `${url} is behind its own receipt`)
    const block = await rpc(url, 'eth_getBlockByNumber', [receipt.blockNumber, false])
    assert.equal(block.hash, receipt.blockHash)
    assert.equal(block.transactions[Number(receipt.transactionIndex)], hash)
  }
  return receipt
}
