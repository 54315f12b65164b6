// ethers 6, as a dapp and its wallet use it.
import assert from 'node:assert/strict'
import {
  Contract,
  ContractFactory,
  JsonRpcProvider,
  Wallet,
  WebSocketProvider,
  id,
  keccak256,
  toBeHex,
  zeroPadValue,
} from 'ethers'
import { checks } from '../checks.mjs'
import { refusesForgeries, verifyProof } from '../merkle.mjs'
import { everywhere, finalReceipt, place, rpc } from '../network.mjs'
import { contracts } from '../solidity.mjs'

const { check, end } = checks('ethers')
const { http, ws, key } = place('ethers')
const { Coin, Refusals, Several } = contracts()
// Answers are not kept: every question is for the node.
const provider = new JsonRpcProvider(http, undefined, { cacheTimeout: -1, pollingInterval: 50 })
const wallet = new Wallet(key, provider)
const friend = Wallet.createRandom(provider)
const TRANSFER = id('Transfer(address,address,uint256)')
const SUPPLY = 10n ** 24n
let [coin, refusals, several, deployed, paid] = []

const rejects = (promise, code, more = () => true) =>
  assert.rejects(promise, (error) => {
    assert.equal(error.code, code, `${error.code} ${error.message}`)
    assert.ok(more(error), `${error.message}`)
    return true
  })
/** Subscribes; `come` is the first event that fits. */
async function listen(emitter, event, fits = () => true) {
  let listener
  const come = new Promise((done) => {
    listener = (...args) => fits(...args) && done(args)
  })
  await emitter.on(event, listener)
  return { come }
}
/** When the node has answered to a method that the provider calls by itself. */
const answered = (method) =>
  new Promise((done) => {
    const ids = new Set()
    provider.on('debug', ({ action, payload, result }) => {
      if (action === 'sendRpcPayload') [payload].flat().forEach((each) => each.method === method && ids.add(each.id))
      if (action === 'receiveRpcResult' && [result].flat().some((each) => ids.has(each.id))) done()
    })
  })
const deploy = async ({ abi, bytecode }, ...args) => {
  const contract = await new ContractFactory(abi, bytecode, wallet).deploy(...args)
  await contract.waitForDeployment()
  return contract
}

await check('the chain id is the same over HTTP, net_version and a transaction', async () => {
  const { chainId } = await provider.getNetwork()
  assert.equal(await provider.send('net_version', []), `${chainId}`)
  assert.equal((await wallet.populateTransaction({ to: friend.address })).chainId, chainId)
})
await check('deploys an OpenZeppelin ERC-20', async () => {
  coin = await deploy(Coin, 'Loaf', 'LOAF', SUPPLY)
  assert.equal(await provider.getCode(coin.target), Coin.deployedBytecode)
  assert.equal(await coin.symbol(), 'LOAF')
  assert.equal(await coin.balanceOf(wallet.address), SUPPLY)
  deployed = await coin.deploymentTransaction().wait()
  assert.equal(deployed.contractAddress, coin.target)
})
await check(`the deployment is final on ${everywhere}`, () => finalReceipt(deployed.hash))

const accessList = () => [{ address: coin.target, storageKeys: [balanceSlot(wallet.address)] }]
const balanceSlot = (owner) => keccak256(zeroPadValue(owner, 32) + '00'.repeat(32))
for (const [type, name, fields] of [
  [0, 'a legacy transaction', async () => ({ gasPrice: (await provider.getFeeData()).gasPrice })],
  [
    1,
    'an access list (EIP-2930)',
    async () => ({ gasPrice: (await provider.getFeeData()).gasPrice, accessList: accessList() }),
  ],
  [2, 'a capped fee (EIP-1559)', async () => ({ accessList: accessList() })],
]) {
  await check(`transfers with ${name}`, async () => {
    const before = await coin.balanceOf(friend.address)
    const sent = await coin.transfer(friend.address, 1000n, { type, ...(await fields()) })
    paid = await sent.wait()
    assert.equal(paid.type, type)
    assert.equal((await provider.getTransaction(sent.hash)).type, type)
    assert.equal(await coin.balanceOf(friend.address), before + 1000n)
  })
  await check(`the transfer with ${name} is final on ${everywhere}`, () => finalReceipt(paid.hash))
}
await check('an account acts through code it delegated to (EIP-7702), and another pays', async () => {
  several = await deploy(Several)
  await (await coin.transfer(friend.address, 50n)).wait()
  const authorization = await wallet.authorize.call(friend, { address: several.target, nonce: 0 })
  const data = several.interface.encodeFunctionData('run', [
    [10n, 20n].map((amount) => ({
      to: coin.target,
      data: coin.interface.encodeFunctionData('transfer', [wallet.address, amount]),
    })),
  ])
  const before = await coin.balanceOf(friend.address)
  const sent = await wallet.sendTransaction({ type: 4, to: friend.address, data, authorizationList: [authorization] })
  paid = await sent.wait()
  assert.equal(paid.type, 4)
  assert.equal(before - (await coin.balanceOf(friend.address)), 30n)
  assert.equal(await provider.getCode(friend.address), `0xef0100${several.target.slice(2).toLowerCase()}`)
  assert.equal(await provider.getTransactionCount(friend.address), 1)
  const again = await provider.getTransaction(sent.hash)
  assert.equal(again.authorizationList[0].address, several.target)
})
await check(`the delegation is final on ${everywhere}`, () => finalReceipt(paid.hash))

await check('reads logs by address and topics, and past events', async () => {
  const topics = [
    TRANSFER,
    zeroPadValue(wallet.address, 32),
    [zeroPadValue(friend.address, 32), `0x${'11'.repeat(32)}`],
  ]
  const logs = await provider.getLogs({
    address: coin.target,
    topics,
    fromBlock: deployed.blockNumber,
    toBlock: 'latest',
  })
  assert.deepEqual(
    logs.map((log) => coin.interface.parseLog(log).args.value),
    [1000n, 1000n, 1000n, 50n],
  )
  const inBlock = await provider.getLogs({ address: coin.target, blockHash: logs[0].blockHash })
  assert.ok(inBlock.some((log) => log.transactionHash === logs[0].transactionHash))
  const back = await coin.queryFilter(coin.filters.Transfer(friend.address, wallet.address), deployed.blockNumber)
  assert.deepEqual(
    back.map((event) => event.args.value),
    [10n, 20n],
  )
  assert.deepEqual(
    await coin.queryFilter(coin.filters.Transfer(friend.address, friend.address), deployed.blockNumber),
    [],
  )
})
await check('hears of heads and of its event over a WebSocket', async () => {
  const socket = new WebSocketProvider(ws)
  const listening = new Contract(coin.target, Coin.abi, socket)
  const event = await listen(
    listening,
    listening.filters.Transfer(null, friend.address),
    ({ args }) => args.value === 777n,
  )
  const before = await provider.getBlockNumber()
  const head = await listen(socket, 'block', (number) => number > before)
  // The node has subscribed both when it has answered to something later.
  await socket.send('eth_chainId', [])
  const receipt = await (await coin.transfer(friend.address, 777n)).wait()
  const { log } = (await event.come)[0]
  assert.deepEqual([log.transactionHash, log.blockHash], [receipt.hash, receipt.blockHash])
  assert.ok((await head.come)[0] > before)
  await socket.destroy()
})
await check('hears of heads and of its event by polling', async () => {
  const polled = Promise.all([answered('eth_newFilter'), answered('eth_blockNumber')])
  const event = await listen(coin, coin.filters.Transfer(wallet.address), ({ args }) => args.value === 778n)
  const head = await listen(provider, 'block')
  await polled
  const receipt = await (await coin.transfer(friend.address, 778n)).wait()
  assert.equal((await event.come)[0].log.transactionHash, receipt.hash)
  assert.ok((await head.come)[0] <= receipt.blockNumber)
  await coin.removeAllListeners()
  await provider.removeAllListeners()
})
await check('hears of a transaction before it is in a block', async () => {
  const socket = new WebSocketProvider(ws)
  const signed = await wallet.signTransaction(
    await wallet.populateTransaction({ to: wallet.address, gasLimit: 60_000n }),
  )
  const pending = await listen(socket, 'pending', (hash) => hash === keccak256(signed))
  await socket.send('eth_chainId', [])
  await (await provider.broadcastTransaction(signed)).wait()
  await pending.come
  await socket.destroy()
})
await check('proves an account and a slot against the state root, and absent ones too', async () => {
  const number = toBeHex(await provider.getBlockNumber())
  const { stateRoot } = await provider.getBlock(Number(number))
  const slots = [balanceSlot(friend.address), balanceSlot(`0x${'77'.repeat(20)}`)]
  const answer = await provider.send('eth_getProof', [coin.target, slots, number])
  assert.equal(await verifyProof(stateRoot, answer), true)
  assert.equal(BigInt(answer.storageProof[0].value), await coin.balanceOf(friend.address, { blockTag: number }))
  assert.equal(BigInt(answer.storageProof[1].value), 0n)
  await refusesForgeries(stateRoot, answer)
  const own = await provider.send('eth_getProof', [wallet.address, [], number])
  assert.equal(await verifyProof(stateRoot, own), true)
  assert.equal(BigInt(own.balance), await provider.getBalance(wallet.address, number))
  const nobody = await provider.send('eth_getProof', [`0x${'78'.repeat(20)}`, [], number])
  assert.equal(await verifyProof(stateRoot, nobody), false)
})
await check('estimates gas: enough, and with one less it fails', async () => {
  const call = {
    from: wallet.address,
    to: coin.target,
    data: coin.interface.encodeFunctionData('transfer', [Wallet.createRandom().address, 1n]),
  }
  const estimate = await provider.estimateGas(call)
  const receipt = await (await wallet.sendTransaction({ ...call, gasLimit: estimate })).wait()
  assert.ok(receipt.gasUsed <= estimate && estimate < (receipt.gasUsed * 3n) / 2n, `${estimate} for ${receipt.gasUsed}`)
  assert.equal(
    (await provider.estimateGas({ from: wallet.address, to: wallet.address, value: 1n, data: '0x' })) >= 21000n,
    true,
  )
})
await check('reads fee data and the history of fees', async () => {
  const fees = await provider.getFeeData()
  assert.ok(fees.gasPrice > 0n && fees.maxFeePerGas >= fees.maxPriorityFeePerGas)
  const history = await provider.send('eth_feeHistory', ['0x4', 'latest', [10, 50, 90]])
  assert.equal(history.baseFeePerGas.length, 5)
  assert.deepEqual([history.gasUsedRatio.length, history.reward.length, history.reward[0].length], [4, 4, 3])
  const oldest = await provider.getBlock(Number(history.oldestBlock))
  assert.equal(BigInt(history.baseFeePerGas[0]), oldest.baseFeePerGas)
  const latest = await provider.getBlock(Number(history.oldestBlock) + 3)
  assert.equal(BigInt(history.baseFeePerGas[3]), latest.baseFeePerGas)
})
await check('makes an access list that names what a call touches', async () => {
  const data = coin.interface.encodeFunctionData('transfer', [friend.address, 1n])
  const made = await provider.send('eth_createAccessList', [{ from: wallet.address, to: coin.target, data }, 'latest'])
  const keys = made.accessList.find((each) => each.address.toLowerCase() === coin.target.toLowerCase()).storageKeys
  assert.deepEqual([...keys].sort(), [balanceSlot(wallet.address), balanceSlot(friend.address)].sort())
  assert.ok(BigInt(made.gasUsed) > 21000n && made.error === undefined)
})
await check('calls at an old block and reads an old nonce', async () => {
  assert.equal(await coin.balanceOf(friend.address, { blockTag: deployed.blockNumber }), 0n)
  assert.notEqual(await coin.balanceOf(friend.address), 0n)
  assert.equal(
    (await provider.getTransactionCount(wallet.address, deployed.blockNumber - 1)) + 1,
    await provider.getTransactionCount(wallet.address, deployed.blockNumber),
  )
  assert.equal(await provider.getCode(coin.target, deployed.blockNumber - 1), '0x')
})

await check('tells reverts apart: own error, text, panic', async () => {
  refusals = await deploy(Refusals)
  await rejects(
    refusals.custom.staticCall(3n),
    'CALL_EXCEPTION',
    ({ revert }) => revert.name === 'NotToday' && revert.args[0] === wallet.address && revert.args[1] === 3n,
  )
  await rejects(refusals.text.staticCall(), 'CALL_EXCEPTION', ({ reason }) => reason === 'not today')
  await rejects(
    refusals.panic.staticCall(0n),
    'CALL_EXCEPTION',
    ({ revert }) => revert.name === 'Panic' && BigInt(revert.args[0]) === 0x12n,
  )
  await rejects(
    refusals.custom.estimateGas(4n),
    'CALL_EXCEPTION',
    ({ data }) => data === refusals.interface.encodeErrorResult('NotToday', [wallet.address, 4n]),
  )
  await rejects(
    coin.connect(friend).transfer.staticCall(wallet.address, SUPPLY),
    'CALL_EXCEPTION',
    ({ revert }) => revert.name === 'ERC20InsufficientBalance',
  )
})
await check(`a transaction that failed says so, on ${everywhere}`, async () => {
  const sent = await refusals.custom(5n, { gasLimit: 100_000n })
  await rejects(sent.wait(), 'CALL_EXCEPTION', ({ receipt }) => receipt.status === 0)
  const receipt = await finalReceipt(sent.hash, '0x0')
  assert.deepEqual(receipt.logs, [])
  assert.equal(await refusals.count(), 0n)
})
await check('knows a nonce that was used: NONCE_EXPIRED', () =>
  rejects(wallet.sendTransaction({ to: friend.address, nonce: 0, gasLimit: 60_000n }), 'NONCE_EXPIRED'),
)
await check('knows an empty purse: INSUFFICIENT_FUNDS', () =>
  rejects(
    Wallet.createRandom(provider).sendTransaction({ to: friend.address, value: 1n, gasLimit: 60_000n }),
    'INSUFFICIENT_FUNDS',
  ),
)
await check(
  'knows a replacement that pays too little: REPLACEMENT_UNDERPRICED; one that pays enough takes its place',
  async () => {
    const nonce = await provider.getTransactionCount(wallet.address)
    // With a nonce missing before it, it has to wait.
    const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n, gasLimit: 60_000n }
    const waiting = await wallet.sendTransaction({ to: wallet.address, value: 1n, nonce: nonce + 1, ...fees })
    assert.equal((await provider.getTransaction(waiting.hash)).blockNumber, null)
    assert.equal(await provider.getTransactionCount(wallet.address, 'pending'), nonce)
    await rejects(
      wallet.sendTransaction({ to: wallet.address, value: 2n, nonce: nonce + 1, ...fees }),
      'REPLACEMENT_UNDERPRICED',
    )
    const replaced = waiting.wait(1, 30_000)
    const more = {
      ...fees,
      maxFeePerGas: (fees.maxFeePerGas * 6n) / 5n,
      maxPriorityFeePerGas: (fees.maxPriorityFeePerGas * 6n) / 5n,
    }
    const second = await wallet.sendTransaction({ to: wallet.address, value: 2n, nonce: nonce + 1, ...more })
    const seen = rejects(replaced, 'TRANSACTION_REPLACED', ({ replacement }) => replacement.hash === second.hash)
    await (await wallet.sendTransaction({ to: wallet.address, nonce })).wait()
    await second.wait()
    await seen
    assert.equal(await rpc(http, 'eth_getTransactionReceipt', [waiting.hash]), null)
    await finalReceipt(second.hash)
  },
)
await check('sends what it asks at once as one batch', async () => {
  const sizes = []
  const count = ({ action, payload }) =>
    action === 'sendRpcPayload' && sizes.push(Array.isArray(payload) ? payload.length : 1)
  await provider.on('debug', count)
  const owners = Array.from({ length: 20 }, () => Wallet.createRandom().address)
  const balances = await Promise.all([...owners, wallet.address].map((owner) => coin.balanceOf(owner)))
  await provider.off('debug', count)
  assert.ok(balances.slice(0, 20).every((balance) => balance === 0n) && balances[20] > 0n)
  assert.ok(
    sizes.some((size) => size >= 21),
    `${sizes}`,
  )
})
end()
