#!/usr/bin/env node
// Walks through what users do with the contracts on a real node, checks each step and prints the gas it took.
//
//   npm run walk                                          starts an anvil of its own
//   WALK_RPC_URL=http://127.0.0.1:8545 WALK_KEY=0x… npm run walk     a running ledger, with a funded account (3 coins)
//
// A contract that is at its predeploy address is used there; otherwise it is deployed. Staking cannot be deployed without
// the node's genesis call, so on a ledger without it that part is left out; what needs time to pass or the system address
// is done on anvil alone (WALK_WAIT=1 waits for a commitment's minute on a ledger).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import {
  concat, createPublicClient, createTestClient, createWalletClient, defineChain, encodeAbiParameters, getAddress, http,
  keccak256, parseEther, parseEventLogs, parseSignature, toHex, zeroAddress,
} from 'viem'
import { privateKeyToAccount, generatePrivateKey } from 'viem/accounts'
import { binary } from './foundry.mjs'

const root = path.resolve(import.meta.dirname, '..')
const load = (name) => JSON.parse(fs.readFileSync(path.join(root, 'artifacts', `${name}.json`), 'utf8'))
const SYSTEM = '0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE'
const PREDEPLOYS = {
  Staking: '0x0000000000000000000000000000000000001001',
  NamingRegistry: '0x0000000000000000000000000000000000001002',
  Anchors: '0x0000000000000000000000000000000000001003',
  TokenFactory: '0x0000000000000000000000000000000000001004',
}
const COIN = 1_000_000_000n
// The first account of every anvil and hardhat: known to all, worth nothing.
const DEV_KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80'

const freePort = () =>
  new Promise((done, fail) => {
    const server = net.createServer()
    server.on('error', fail).listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })

/** An anvil on loopback, ready when it says that it listens. */
async function startAnvil() {
  const port = await freePort()
  const args = ['--host', '127.0.0.1', '--port', `${port}`, '--no-mining', '--hardfork', 'prague', '--chain-id', '8453001']
  const child = spawn(binary('anvil'), args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((ready, fail) => {
    child.once('exit', (code) => fail(new Error(`anvil ended with ${code}`)))
    child.stdout.on('data', (text) => `${text}`.includes('Listening on') && ready())
  })
  return { child, url: `http://127.0.0.1:${port}` }
}

const anvil = process.env.WALK_RPC_URL ? undefined : await startAnvil()
const url = process.env.WALK_RPC_URL ?? anvil.url
const used = []
try {
  await walk()
  const width = Math.max(...used.map(([what]) => what.length))
  for (const [what, gas] of used) console.log(`${what.padEnd(width)}  ${`${gas}`.padStart(9)} gas`)
  console.log(`${used.length} calls, ${used.reduce((sum, [, gas]) => sum + gas, 0n)} gas`)
} finally {
  // This very process, nothing by name.
  anvil?.child.removeAllListeners('exit')
  anvil?.child.kill()
}

async function walk() {
  const transport = http(url)
  const id = await createPublicClient({ transport }).getChainId()
  const chain = defineChain({
    id, name: 'ledger', nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 }, rpcUrls: { default: { http: [url] } },
  })
  const client = createPublicClient({ chain, transport, pollingInterval: 50 })
  const test = anvil && createTestClient({ chain, mode: 'anvil', transport })
  const alice = privateKeyToAccount(process.env.WALK_KEY ?? DEV_KEY)
  const bob = privateKeyToAccount(generatePrivateKey())
  const wallet = createWalletClient({ chain, transport })

  const settle = async (what, hash) => {
    const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 })
    assert.equal(receipt.status, 'success', `${what} failed`)
    used.push([what, receipt.gasUsed])
    return receipt
  }
  const at = (name, address) => {
    const { abi } = load(name)
    return {
      address,
      read: (functionName, ...args) => client.readContract({ address, abi, functionName, args }),
      write: async (account, functionName, args = [], value = 0n) => {
        // A simulation first: a call that would fail says why.
        const { request } = await client.simulateContract({ address, abi, functionName, args, value, account })
        return settle(`${name}.${functionName}`, await wallet.writeContract(request))
      },
      refuses: (account, error, functionName, args = [], value = 0n) =>
        assert.rejects(
          client.simulateContract({ address, abi, functionName, args, value, account }),
          (e) => e.walk().data?.errorName === error || `${e}`.includes(error),
          `${functionName} should say ${error}`,
        ),
      events: (receipt, eventName) => parseEventLogs({ abi, logs: receipt.logs, eventName }),
    }
  }
  /** On anvil: from the system address, as the node does at a block's start. */
  const asSystem = async (abi, functionName, args) => {
    const hash = await wallet.writeContract({
      address: PREDEPLOYS.Staking, abi, functionName, args, account: SYSTEM, gas: 20_000_000n,
    })
    return hash
  }

  const founders = [1n, 2n, 3n, 4n].map((i) => getAddress(`0x${(0xf0000000n + i).toString(16).padStart(40, '0')}`))
  if (anvil) {
    await test.setCode({ address: PREDEPLOYS.Staking, bytecode: load('Staking').deployedBytecode })
    await test.setBalance({ address: SYSTEM, value: parseEther('1') })
    await test.impersonateAccount({ address: SYSTEM })
    const { abi } = load('Staking')
    const calls = [
      await asSystem(abi, 'configure', [parseEther('1'), 5, 60, 60]),
      await asSystem(abi, 'genesis', [founders, founders.map((a) => keccak256(a)), founders.map(() => COIN)]),
    ]
    await test.mine({ blocks: 1 })
    await settle('Staking.configure (system)', calls[0])
    await settle('Staking.genesis of 4 (system)', calls[1])
    await test.setAutomine(true)
  }

  await settle('a plain transfer', await wallet.sendTransaction({ account: alice, to: bob.address, value: parseEther('2.5') }))

  /** At its place, or put somewhere. */
  const contract = async (name) => {
    if (await client.getCode({ address: PREDEPLOYS[name] })) return at(name, PREDEPLOYS[name])
    const { abi, bytecode } = load(name)
    const receipt = await settle(`${name} (deployed)`, await wallet.deployContract({ account: alice, abi, bytecode }))
    return at(name, receipt.contractAddress)
  }
  await anchors(await contract('Anchors'))
  await tokens(await contract('TokenFactory'))
  await naming(await contract('NamingRegistry'))
  if (await client.getCode({ address: PREDEPLOYS.Staking })) await staking(at('Staking', PREDEPLOYS.Staking))
  else console.log('no staking contract at its address: left out')

  async function anchors(it) {
    const hash = keccak256(toHex(`document ${Date.now()}`))
    const receipt = await it.write(alice, 'anchor', [hash])
    assert.equal((await it.read('anchoredAt', hash))[0], receipt.blockNumber)
    const leaves = ['a', 'b', 'c'].map((x) => keccak256(toHex(`${x} ${Date.now()}`)))
    const leaf = (x) => keccak256(keccak256(encodeAbiParameters([{ type: 'bytes32' }], [x])))
    const pair = (a, b) => keccak256(concat(a < b ? [a, b] : [b, a]))
    const [a, b, c] = leaves.map(leaf)
    const merkleRoot = pair(pair(a, b), c)
    await it.write(alice, 'anchorBatch', [merkleRoot, leaves.length])
    assert.equal(await it.read('verify', merkleRoot, leaves[0], [b, c]), true)
    assert.equal(await it.read('verify', merkleRoot, leaves[0], [c, b]), false)
    await it.refuses(alice, 'ZeroHash', 'anchor', [`0x${'00'.repeat(32)}`])
  }

  async function tokens(it) {
    const options = {
      name: 'Bread', symbol: 'BRD', supply: parseEther('1000'), cap: parseEther('1500'), mintable: true, burnable: true, permit: true,
    }
    const salt = keccak256(toHex(`salt ${Date.now()}`))
    const expected = await it.read('predict', alice.address, options, salt)
    const receipt = await it.write(alice, 'create', [options, salt])
    const [made] = it.events(receipt, 'TokenCreated')
    assert.equal(made.args.token, expected)
    await it.refuses(alice, 'AlreadyCreated', 'create', [options, salt])
    const count = await it.read('count')
    const [last] = await it.read('tokens', count - 1n, 1n)
    assert.equal(last.token, expected)
    const token = at('FactoryToken', expected)
    await token.write(alice, 'transfer', [bob.address, parseEther('10')])
    await token.write(alice, 'mint', [bob.address, parseEther('5')])
    await token.write(bob, 'burn', [parseEther('1')])
    await token.refuses(alice, 'CapExceeded', 'mint', [bob.address, parseEther('1000')])
    const message = {
      owner: bob.address, spender: alice.address, value: parseEther('3'), nonce: 0n, deadline: 2n ** 64n,
    }
    const signature = parseSignature(await bob.signTypedData({
      domain: { name: 'Bread', version: '1', chainId: id, verifyingContract: expected },
      types: {
        Permit: ['owner', 'spender'].map((name) => ({ name, type: 'address' }))
          .concat(['value', 'nonce', 'deadline'].map((name) => ({ name, type: 'uint256' }))),
      },
      primaryType: 'Permit',
      message,
    }))
    await token.write(alice, 'permit', [
      message.owner, message.spender, message.value, message.deadline, Number(signature.v), signature.r, signature.s,
    ])
    await token.write(alice, 'transferFrom', [bob.address, alice.address, parseEther('3')])
    assert.equal(await token.read('balanceOf', bob.address), parseEther('11'))
    await token.write(alice, 'setMinter', [zeroAddress])
    await token.refuses(alice, 'OnlyMinter', 'mint', [alice.address, 1n])
  }

  async function naming(it) {
    const label = `walk-${Date.now().toString(36)}`
    const secret = generatePrivateKey()
    const cost = await it.read('price', label, 1n)
    await it.refuses(alice, 'NotCommitted', 'register', [label, alice.address, 1n, secret], cost)
    await it.write(alice, 'commit', [await it.read('commitmentOf', label, alice.address, 1n, secret)])
    await it.refuses(alice, 'TooEarly', 'register', [label, alice.address, 1n, secret], cost)
    if (!(await pass(61))) return console.log('names: the minute of a commitment is not waited for (WALK_WAIT=1)')
    await it.refuses(bob, 'NotCommitted', 'register', [label, bob.address, 1n, secret], cost)
    await it.write(alice, 'register', [label, alice.address, 1n, secret], cost * 2n)
    const token = await it.read('idOf', label)
    assert.equal(await it.read('ownerOf', token), alice.address)
    await it.write(alice, 'setAddr', [label, bob.address])
    await it.write(alice, 'setText', [label, 'url', 'weft:bakery'])
    await it.write(alice, 'setContenthash', [label, '0xe301'])
    assert.equal(await it.read('addr', label), bob.address)
    assert.deepEqual(await it.read('textKeys', label), ['url'])
    await it.refuses(bob, 'NotHolder', 'setAddr', [label, bob.address])
    await it.write(bob, 'renew', [label, 1n], cost)
    await it.write(alice, 'transferFrom', [alice.address, bob.address, token])
    assert.equal(await it.read('addr', label), zeroAddress)
  }

  async function staking(it) {
    const [before] = await it.read('validators')
    const [minStake] = await it.read('parameters')
    if (minStake === 0n) return console.log('staking has no genesis: left out')
    if (minStake > parseEther('1')) return console.log(`staking asks for ${minStake} wei: left out`)
    const publicKey = generatePrivateKey()
    await it.refuses(bob, 'StakeTooLow', 'join', [publicKey], minStake - 1n)
    await it.write(bob, 'join', [publicKey], minStake)
    await it.write(bob, 'addStake', [], parseEther('0.1'))
    const info = await it.read('validator', bob.address)
    assert.equal(info.target, (minStake + parseEther('0.1')) / COIN)
    await blocks(3)
    const [joined, keys, powers] = await it.read('validators')
    const place = joined.indexOf(bob.address)
    assert.equal(joined.length, before.length + 1)
    assert.equal(keys[place], publicKey)
    assert.ok(powers[place] > 0n)
    assert.deepEqual([...joined].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)), joined)
    if (anvil) {
      const hash = await asSystem(load('Staking').abi, 'slash', [bob.address, await client.getBlockNumber()])
      await settle('Staking.slash (system)', hash)
      await blocks(3)
      assert.ok(!(await it.read('validators'))[0].includes(bob.address))
      await it.refuses(bob, 'InJail', 'unjail')
      await pass(61)
      await it.write(bob, 'unjail')
    }
    await it.write(bob, 'leave')
    await blocks(5)
    assert.equal((await it.read('validators'))[0].length, before.length)
    if (!anvil) {
      await it.refuses(bob, 'StillBonded', 'withdraw')
      return
    }
    await pass(61)
    await it.write(bob, 'withdraw')
    assert.equal(await client.getBalance({ address: it.address }), 0n)
  }

  /** Lets time pass; whether it did. */
  async function pass(seconds) {
    if (anvil) {
      await test.increaseTime({ seconds })
      await test.mine({ blocks: 1 })
    } else if (process.env.WALK_WAIT) {
      await new Promise((done) => setTimeout(done, seconds * 1000))
      // Calls are asked as at the last block's time.
      await blocks(1)
    } else return false
    return true
  }

  /** Until so many more blocks are there. */
  async function blocks(count) {
    if (anvil) return test.mine({ blocks: count })
    // A chain that makes blocks on demand makes one when it is told to.
    for (let made = 0; made < count; made += 1) {
      const told = await client.request({ method: 'evm_mine', params: [] }).catch(() => false)
      if (told === false) break
      if (made === count - 1) return
    }
    const until = (await client.getBlockNumber()) + BigInt(count)
    await new Promise((done) => {
      const stop = client.watchBlockNumber({ emitOnBegin: true, onBlockNumber: (n) => n >= until && (stop(), done()) })
    })
  }
}
