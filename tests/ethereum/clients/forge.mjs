// forge: create, script --broadcast, and tests on a fork.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { Contract, Interface, JsonRpcProvider, Wallet } from 'ethers'
import { checks } from '../checks.mjs'
import { binary, run } from '../foundry.mjs'
import { everywhere, finalReceipt, place, rpc } from '../network.mjs'
import { contracts } from '../solidity.mjs'

const { check, end } = checks('forge')
const { http, key } = place('forge')
const { Coin } = contracts()
const tool = binary('forge')
const provider = new JsonRpcProvider(http, undefined, { cacheTimeout: -1, pollingInterval: 50 })
const wallet = new Wallet(key, provider)
const friend = Wallet.createRandom().address
const root = path.resolve(import.meta.dirname, '..')
const chain = BigInt(await rpc(http, 'eth_chainId'))
let [coin, created, sent] = []

const forge = (args, env = {}) =>
  run(tool, args, { cwd: root, limit: 90_000, env: { WEFT_KEY: key, WEFT_FRIEND: friend, ...env } })
async function good(args, env) {
  const { code, stdout, stderr } = await forge(args, env)
  assert.equal(code, 0, `forge ${args[0]} ended with ${code}: ${stderr}${stdout}`)
  return stdout
}
/** The JSON after what is said for people. */
const told = (stdout) => JSON.parse(stdout.slice(stdout.search(/^\{/m)))

await check(
  'builds offline, to what solc makes by itself',
  async () => {
    await good(['build'])
    const built = JSON.parse(
      fs.readFileSync(path.join(root, 'node_modules/.cache/forge/out/Coin.sol/Coin.json'), 'utf8'),
    )
    const names = (abi) => new Interface(abi).format().sort()
    assert.deepEqual(names(built.abi), names(Coin.abi))
    // The end is a hash of the settings' text, which differs.
    assert.equal(built.bytecode.object.slice(0, -106), Coin.bytecode.slice(0, -106))
  },
  100_000,
)
await check(
  'create deploys an OpenZeppelin ERC-20',
  async () => {
    const args = ['create', 'contracts/Coin.sol:Coin', '--rpc-url', http, '--private-key', key, '--broadcast', '--json']
    created = told(await good([...args, '--constructor-args', 'Loaf', 'LOAF', '100']))
    assert.equal(created.deployer, wallet.address)
    coin = new Contract(created.deployedTo, Coin.abi, wallet)
    assert.equal(await coin.balanceOf(wallet.address), 100n)
  },
  100_000,
)
await check(`what create deployed is final on ${everywhere}`, () => finalReceipt(created.transactionHash))
await check(
  'script --broadcast sends what it simulated, in order',
  async () => {
    const salt = BigInt(`0x${randomBytes(32).toString('hex')}`)
    const args = ['script', 'forge/Deploy.s.sol:Deploy', '--rpc-url', http, '--broadcast', '--non-interactive']
    await good(args, { WEFT_SALT: `${salt}` })
    const file = path.join(root, 'node_modules/.cache/forge/broadcast/Deploy.s.sol', `${chain}`, 'run-latest.json')
    sent = JSON.parse(fs.readFileSync(file, 'utf8'))
    assert.deepEqual(
      sent.transactions.map((tx) => tx.transactionType),
      ['CREATE', 'CREATE2', 'CALL', 'CALL'],
    )
    assert.deepEqual(sent.pending, [])
    assert.deepEqual(
      sent.receipts.map((receipt) => receipt.status),
      ['0x1', '0x1', '0x1', '0x1'],
    )
    const [plain, salted] = sent.transactions.map((tx) => new Contract(tx.contractAddress, Coin.abi, provider))
    assert.deepEqual([await plain.balanceOf(friend), await salted.symbol()], [10n ** 19n, 'ROLL'])
    assert.equal(await provider.getBalance(friend), 10n ** 9n)
  },
  100_000,
)
await check(`what the script sent is final on ${everywhere}`, async () => {
  for (const { hash } of sent.transactions) await finalReceipt(hash)
})
await check(
  'script without --broadcast sends nothing',
  async () => {
    const before = await provider.getTransactionCount(wallet.address)
    await good(['script', 'forge/Deploy.s.sol:Deploy', '--rpc-url', http], { WEFT_SALT: '7' })
    assert.equal(await provider.getTransactionCount(wallet.address), before)
  },
  100_000,
)
await check(
  'tests run on a fork of the ledger, at its head and in its past, and can fail',
  async () => {
    const { blockNumber } = await provider.getTransactionReceipt(created.transactionHash)
    await (await coin.transfer(friend, 10n)).wait()
    const env = { WEFT_COIN: coin.target, WEFT_OWNER: wallet.address, WEFT_HEIGHT: `${blockNumber}` }
    const { code, stdout, stderr } = await forge(
      ['test', '--match-contract', 'ForkTest', '--fork-url', http, '--json'],
      env,
    )
    const results = Object.values(told(stdout))[0]?.test_results
    assert.ok(results, `${stdout}${stderr}`)
    assert.deepEqual(
      Object.fromEntries(Object.entries(results).map(([name, { status, reason }]) => [name, reason ?? status])),
      {
        'test_the_past_is_there()': 'Success',
        'test_what_is_on_the_ledger_can_be_used()': 'Success',
        'test_wrong()': '91 are not there',
      },
    )
    assert.equal(code, 1)
  },
  100_000,
)
await check(
  'create fails with the reason when the account cannot pay',
  async () => {
    const poor = Wallet.createRandom().privateKey
    const { code, stderr } = await forge([
      'create',
      'contracts/Refusals.sol:Refusals',
      '--rpc-url',
      http,
      '--private-key',
      poor,
      '--broadcast',
    ])
    assert.notEqual(code, 0)
    assert.match(stderr, /insufficient funds|lack of funds/i)
  },
  100_000,
)
end()
