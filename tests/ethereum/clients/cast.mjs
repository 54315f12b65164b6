// cast, foundry's client for the shell.
import assert from 'node:assert/strict'
import { checks } from '../checks.mjs'
import { binary, run } from '../foundry.mjs'
import { refusesForgeries, verifyProof } from '../merkle.mjs'
import { everywhere, finalReceipt, place, rpc } from '../network.mjs'
import { contracts } from '../solidity.mjs'

const { check, end } = checks('cast')
const { http, ws, key } = place('cast')
const { Coin, Refusals, Several } = contracts()
const tool = binary('cast')
const FRIEND = '0x00000000000000000000000000000000c0ffee01'
const SUPPLY = 10n ** 24n
let [own, coin, deployed, paid] = []

/** What cast says when all is well. */
async function cast(...args) {
  const { code, stdout, stderr } = await run(tool, args, {
    env: { ETH_RPC_URL: http, FOUNDRY_DISABLE_NIGHTLY_WARNING: '1' },
  })
  assert.equal(code, 0, `cast ${args[0]} ended with ${code}: ${stderr || stdout}`)
  return stdout.trim()
}
/** What cast says when it fails. */
async function refused(...args) {
  const { code, stdout, stderr } = await run(tool, args, { env: { ETH_RPC_URL: http } })
  assert.notEqual(code, 0, `cast ${args[0]} should have failed: ${stdout}`)
  return stdout + stderr
}
const json = async (...args) => JSON.parse(await cast(...args, '--json'))
const send = (...args) => json('send', '--private-key', key, '--poll-interval', '1', ...args)
const balance = async (who, ...more) =>
  BigInt(JSON.parse(await cast('call', coin, 'balanceOf(address)(uint256)', who, '--json', ...more))[0])

await check('chain, client, height, gas price, base fee, balance', async () => {
  own = await cast('wallet', 'address', '--private-key', key)
  assert.equal(BigInt(await cast('chain-id')), BigInt(await rpc(http, 'eth_chainId')))
  assert.equal(await cast('client'), await rpc(http, 'web3_clientVersion'))
  assert.ok(BigInt(await cast('block-number')) >= 0n)
  assert.ok(BigInt(await cast('gas-price')) > 0n && BigInt(await cast('base-fee')) >= 0n)
  assert.ok(BigInt(await cast('balance', own)) > 10n ** 18n)
})
await check('speaks over a WebSocket', async () =>
  assert.equal(BigInt(await cast('chain-id', '--rpc-url', ws)), BigInt(await rpc(http, 'eth_chainId'))),
)
await check('deploys an OpenZeppelin ERC-20 (send --create)', async () => {
  const args = (await cast('abi-encode', 'f(string,string,uint256)', 'Loaf', 'LOAF', `${SUPPLY}`)).slice(2)
  deployed = await send('--create', `${Coin.bytecode}${args}`)
  coin = deployed.contractAddress
  assert.equal(deployed.status, '0x1')
  assert.equal(await cast('code', coin), Coin.deployedBytecode)
  assert.equal(await cast('call', coin, 'symbol()(string)'), '"LOAF"')
  assert.equal(await balance(own), SUPPLY)
})
await check(`the deployment is final on ${everywhere}`, () => finalReceipt(deployed.transactionHash))
for (const [type, name, flags] of [
  ['0x0', 'a legacy transaction', ['--legacy']],
  ['0x1', 'an access list (EIP-2930)', ['--legacy', '--access-list']],
  ['0x2', 'a capped fee (EIP-1559)', []],
]) {
  await check(`transfers with ${name}`, async () => {
    const before = await balance(FRIEND)
    paid = await send(coin, 'transfer(address,uint256)', FRIEND, '1000', ...flags)
    assert.deepEqual([paid.status, paid.type], ['0x1', type])
    assert.equal(await balance(FRIEND), before + 1000n)
    const seen = await json('tx', paid.transactionHash)
    assert.deepEqual([seen.type, seen.from.toLowerCase()], [type, own.toLowerCase()])
  })
  await check(`the transfer with ${name} is final on ${everywhere}`, () => finalReceipt(paid.transactionHash))
}
await check('an account acts through code it delegated to (EIP-7702), and another pays', async () => {
  const several = (await send('--create', Several.bytecode)).contractAddress
  const [{ address, private_key: secret }] = await json('wallet', 'new')
  const authorization = await cast(
    'wallet',
    'sign-auth',
    several,
    '--private-key',
    secret,
    '--nonce',
    '0',
    '--chain',
    await cast('chain-id'),
  )
  const data = await cast('calldata', 'approve(address,uint256)', own, '5')
  paid = await send(address, 'run((address,bytes)[])', `[(${coin},${data})]`, '--auth', authorization)
  assert.deepEqual([paid.status, paid.type], ['0x1', '0x4'])
  assert.equal(await cast('code', address), `0xef0100${several.slice(2).toLowerCase()}`)
  assert.equal(await cast('call', coin, 'allowance(address,address)(uint256)', address, own), '5')
})
await check(`the delegation is final on ${everywhere}`, () => finalReceipt(paid.transactionHash))
await check('signs by itself and publishes (mktx, publish)', async () => {
  const signed = await cast('mktx', '--private-key', key, coin, 'transfer(address,uint256)', FRIEND, '7')
  const answer = await cast('publish', signed)
  const hash = answer.startsWith('0x') ? answer : JSON.parse(answer).transactionHash
  const receipt = await finalReceipt(hash)
  assert.equal(BigInt((await json('receipt', hash)).blockNumber), BigInt(receipt.blockNumber))
})
await check('reads logs by event, address and topic', async () => {
  const logs = await json(
    'logs',
    'Transfer(address indexed,address indexed,uint256)',
    own,
    FRIEND,
    '--address',
    coin,
    '--from-block',
    `${Number(deployed.blockNumber)}`,
  )
  assert.deepEqual(
    logs.map((log) => BigInt(log.data)),
    [1000n, 1000n, 1000n, 7n],
  )
})
await check('proves an account and a slot against the state root', async () => {
  const slot = await cast('index', 'address', FRIEND, '0')
  const height = await cast('block-number')
  const proof = JSON.parse(await cast('proof', coin, slot, '--block', height, '--rpc-url', http))
  const { stateRoot } = await json('block', height)
  assert.equal(await verifyProof(stateRoot, proof), true)
  assert.equal(BigInt(proof.storageProof[0].value), await balance(FRIEND))
  assert.equal(BigInt(await cast('storage', coin, slot)), await balance(FRIEND))
  await refusesForgeries(stateRoot, proof)
})
await check('latest, safe and finalized are one block; blocks are found by hash, number and tag', async () => {
  const block = await json('block', 'finalized')
  assert.ok(BigInt(block.number) >= BigInt(paid.blockNumber))
  assert.deepEqual(await json('block', block.hash), await json('block', `${Number(block.number)}`))
  assert.equal(block.hash, (await json('block', `${Number(block.number)}`)).hash)
})
await check('estimates gas, makes an access list, calls at an old block, reads an old nonce', async () => {
  const call = [coin, 'transfer(address,uint256)', FRIEND, '1', '--from', own]
  assert.ok(BigInt(await cast('estimate', ...call)) > 21_000n)
  const listed = await json('access-list', ...call)
  assert.equal(listed.accessList[0].storageKeys.length, 2)
  const height = `${Number(deployed.blockNumber)}`
  assert.equal(await balance(FRIEND, '--block', height), 0n)
  assert.ok((await balance(FRIEND)) > 0n)
  const nonce = async (...more) => Number(await cast('nonce', own, ...more))
  assert.equal(await nonce('--block', height), (await nonce('--block', `${Number(height) - 1}`)) + 1)
})
await check('runs a past transaction again by itself, from the state before it (run)', async () => {
  // Of a chain whose id it does not know it must be told the rules.
  const trace = await cast('run', paid.transactionHash, '--evm-version', 'prague')
  assert.match(trace, /Transaction successfully executed/)
})
await check('traces a call with what it would do (call --trace)', async () => {
  const trace = await cast('call', coin, 'transfer(address,uint256)', FRIEND, '1', '--from', own, '--trace')
  assert.match(trace, /Transfer/i)
})
await check('says why a call or a transaction is refused', async () => {
  const refusals = (await send('--create', Refusals.bytecode)).contractAddress
  const custom = await refused('call', refusals, 'custom(uint256)', '3', '--from', own)
  assert.ok(custom.includes((await cast('calldata', 'NotToday(address,uint256)', own, '3')).slice(2)), custom)
  assert.match(await refused('call', refusals, 'text()', '--from', own), /not today/)
  assert.match(await refused('estimate', refusals, 'text()', '--from', own), /not today/)
  const plain = ['send', '--private-key', key, own, '--gas-limit', '60000']
  assert.match(await refused(...plain, '--nonce', '0'), /nonce too low/)
  assert.match(await refused(...plain, '--value', `${10n ** 30n}`), /insufficient funds/)
})
await check('raw requests pass unchanged (rpc)', async () => {
  assert.equal(JSON.parse(await cast('rpc', 'eth_chainId')), await rpc(http, 'eth_chainId'))
  assert.match(await refused('rpc', 'eth_noSuchMethod'), /-32601/)
})
end()
