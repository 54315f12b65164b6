#!/usr/bin/env node
// What Prague adds, done on a Weft chain for developers and on anvil: outcome, gas and what is left must be the same.
//   WEFT_BIN=…/weft node prague.mjs
// It starts both. They have the same accounts and chain id, and make a block on demand.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { createPublicClient, createWalletClient, http, keccak256, pad, parseEther, toHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { checks, until, within } from './checks.mjs'
import { binary } from './foundry.mjs'

/** Starts a chain that ends with this process; its address, once a line of what it prints has it. */
function start(command, args, address) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill())
  const listening = new Promise((done, fail) => {
    child.on('error', fail)
    child.on('exit', (code) => fail(new Error(`${command} ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = address.exec(line)
      if (found) done(`http://${found[1]}`)
    })
  })
  return within(30_000, `${command} listens`, listening)
}

if (!process.env.WEFT_BIN) throw new Error('WEFT_BIN is not set')
const ends = await Promise.all([
  start(process.env.WEFT_BIN, ['--json', 'ledger', 'dev', '--listen', '127.0.0.1:0'], /"http:\/\/([\d.:]+)"/),
  start(binary('anvil'), ['--port', '0', '--hardfork', 'prague'], /Listening on ([\d.:]+)/),
])
const KEYS = [
  '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  '0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6',
]
const [payer, owner, other] = KEYS.map((key) => privateKeyToAccount(key))
const SINK = '0x00000000000000000000000000000000000051c5'

const sides = await Promise.all(
  ends.map(async (url) => {
    const plain = createPublicClient({ transport: http(url), cacheTime: 0, pollingInterval: 20 })
    const id = await plain.getChainId()
    const chain = { id, name: 'x', nativeCurrency: { name: 'x', symbol: 'x', decimals: 18 }, rpcUrls: { default: { http: [url] } } }
    return { chain, read: plain, write: createWalletClient({ chain, transport: http(url), account: payer, cacheTime: 0 }) }
  }),
)

/** Does something on both; what comes of it must be the same, and is given. */
async function both(what) {
  const [ours, theirs] = await Promise.all(sides.map((side) => what(side).catch((error) => ({ failed: error.name }))))
  assert.deepEqual(ours, theirs)
  return ours
}

/** What of a receipt does not depend on the chain's past. */
async function outcome({ read, write }, transaction) {
  const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n }
  const hash = await write.sendTransaction({ ...fees, ...transaction })
  const receipt = await until('the receipt', () => read.getTransactionReceipt({ hash }).catch(() => undefined))
  const logs = receipt.logs.map(({ address, topics, data }) => ({ address, topics, data }))
  return { status: receipt.status, gas: receipt.gasUsed, type: receipt.type, contract: receipt.contractAddress, logs }
}

/** Runtime code, as what is sent to deploy it. */
const deploying = (code) => `0x61${toHex(code.length / 2, { size: 2 }).slice(2)}80600a3d393df3${code}`
/** Deploys it on both; where it is. */
const deploy = async (code) => (await both((side) => outcome(side, { data: deploying(code), gas: 500_000n }))).contract

const { check, end } = checks('prague')
const word = (number) => pad(toHex(number), { size: 32 }).slice(2)

await check('both are one chain id, and fresh', async () => {
  const ids = sides.map((side) => side.chain.id)
  assert.equal(ids[0], ids[1])
  assert.equal((await both(({ read }) => read.getTransactionCount({ address: payer.address }))), 0)
})

for (const [name, data] of [
  ['no data', '0x'],
  ['a hundred bytes, none zero', `0x${'11'.repeat(100)}`],
  ['a hundred zero bytes', `0x${'00'.repeat(100)}`],
  ['ten thousand bytes, half zero', `0x${'1100'.repeat(5_000)}`],
]) {
  await check(`call data have their floor price (EIP-7623): ${name}`, async () => {
    const { gas } = await both((side) => outcome(side, { to: SINK, data, gas: 1_000_000n }))
    const bytes = (data.length - 2) / 2
    const zero = data.slice(2).match(/../g)?.filter((byte) => byte === '00').length ?? 0
    assert.equal(gas, 21_000n + 10n * BigInt(zero + 4 * (bytes - zero)))
  })
}

// PUSH each word of memory, GAS before and after: what it costs and gives is written to storage and logged.
const PRECOMPILES = {
  '0x0b': ['G1ADD', 2 * 128],
  '0x0c': ['G1MSM', 160],
  '0x0d': ['G2ADD', 2 * 256],
  '0x0e': ['G2MSM', 288],
  '0x0f': ['PAIRING', 384],
  '0x10': ['MAP_FP_TO_G1', 64],
  '0x11': ['MAP_FP2_TO_G2', 128],
}
for (const [at, [name, length]] of Object.entries(PRECOMPILES)) {
  const to = pad(at, { size: 20 })
  await check(`BLS12-381 ${name} (EIP-2537): the point at infinity, another input, and one too short`, async () => {
    const inputs = [`0x${'00'.repeat(length)}`, `0x${'00'.repeat(length - 1)}01`, `0x${'00'.repeat(length - 1)}`]
    const seen = []
    for (const data of inputs) {
      const call = async ({ read }) => (await read.call({ to, data, gas: 5_000_000n })).data ?? '0x'
      seen.push(await both(call))
      await both((side) => outcome(side, { to, data, gas: 2_000_000n }))
    }
    assert.ok(typeof seen[0] === 'string' && seen[0].length > 2, 'the point at infinity is an answer')
    assert.ok(seen[2].failed, 'an input that is too short is refused')
  })
}

await check('an account takes code and gives it back (EIP-7702)', async () => {
  // SSTORE(0, CALLER); LOG1(SELFBALANCE, ADDRESS)
  const target = await deploy('335f55475f523060205fa100')
  for (const side of sides) {
    side.authorization = await side.write.signAuthorization({ account: owner, contractAddress: target })
  }
  const done = await both((side) =>
    outcome(side, { to: owner.address, value: parseEther('1'), authorizationList: [side.authorization], gas: 300_000n }),
  )
  assert.equal(done.status, 'success')
  assert.equal(done.type, 'eip7702')
  assert.equal(done.logs.length, 1)
  assert.equal(await both(({ read }) => read.getCode({ address: owner.address })), `0xef0100${target.slice(2).toLowerCase()}`)
  const caller = await both(({ read }) => read.getStorageAt({ address: owner.address, slot: '0x0' }))
  assert.equal(caller, pad(payer.address.toLowerCase(), { size: 32 }))
  const empty = '0x0000000000000000000000000000000000000000'
  for (const side of sides) {
    side.authorization = await side.write.signAuthorization({ account: owner, contractAddress: empty })
  }
  await both((side) => outcome(side, { to: SINK, authorizationList: [side.authorization], gas: 300_000n }))
  assert.equal(await both(async ({ read }) => (await read.getCode({ address: owner.address })) ?? '0x'), '0x')
  assert.equal(await both(({ read }) => read.getTransactionCount({ address: owner.address })), 2)
})

await check('an authorization of another nonce or chain changes nothing and costs its gas (EIP-7702)', async () => {
  const target = await deploy('00')
  for (const odd of [{ nonce: 7 }, { chainId: 1 }]) {
    for (const side of sides) {
      side.authorization = await side.write.signAuthorization({ account: other, contractAddress: target, nonce: 0, ...odd })
    }
    const done = await both((side) => outcome(side, { to: SINK, authorizationList: [side.authorization], gas: 300_000n }))
    assert.equal(done.status, 'success')
    assert.equal(await both(async ({ read }) => (await read.getCode({ address: other.address })) ?? '0x'), '0x')
  }
})

await check('contracts of Cancun go on: transient storage, MCOPY, SELFDESTRUCT that only sends', async () => {
  // TSTORE(0, 5); SSTORE(0, TLOAD(0)); MSTORE(0, 7); MCOPY(32, 0, 32); SSTORE(1, MLOAD(32)); SELFDESTRUCT(CALLER)
  const at = await deploy('60055f5d5f5c5f5560075f5260205f60205e602051600155' + '33ff')
  const done = await both((side) => outcome(side, { to: at, value: 5n, gas: 300_000n }))
  assert.equal(done.status, 'success')
  for (const [slot, value] of [[0n, 5n], [1n, 7n]]) {
    assert.equal(await both(({ read }) => read.getStorageAt({ address: at, slot: toHex(slot) })), `0x${word(value)}`)
  }
  assert.ok((await both(({ read }) => read.getCode({ address: at }))).length > 2)
})

await check('what has no more gas than it needs less one runs out of it', async () => {
  const at = await deploy('60015f5500')
  const enough = await both((side) => outcome(side, { to: at, gas: 100_000n }))
  const again = await deploy('60015f5500')
  const less = await both((side) => outcome(side, { to: again, gas: enough.gas - 1n }))
  assert.deepEqual([enough.status, less.status], ['success', 'reverted'])
})

await check('a contract made by CREATE2 stands where it should', async () => {
  const init = deploying('60015f5500')
  const salt = keccak256('0x77')
  const done = await both((side) =>
    outcome(side, { to: '0x4e59b44847b379578588920cA78FbF26c0B4956C', data: `${salt}${init.slice(2)}`, gas: 500_000n }),
  )
  assert.equal(done.status, 'success')
})

end()
