// viem 2, as a dapp and its wallet use it.
import assert from 'node:assert/strict'
import {
  BaseError,
  ContractFunctionRevertedError,
  FeeCapTooLowError,
  InsufficientFundsError,
  IntrinsicGasTooLowError,
  NonceTooLowError,
  TipAboveFeeCapError,
  createPublicClient,
  createWalletClient,
  decodeEventLog,
  defineChain,
  encodeFunctionData,
  http,
  keccak256,
  multicall3Abi,
  pad,
  parseAbiItem,
  parseEventLogs,
  toHex,
  toRlp,
  webSocket,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { checks } from '../checks.mjs'
import { refusesForgeries, verifyProof } from '../merkle.mjs'
import { everywhere, finalReceipt, place } from '../network.mjs'
import { contracts } from '../solidity.mjs'

const { check, end } = checks('viem')
const { http: url, ws, key } = place('viem')
const { Coin, Refusals, Several } = contracts()
const transport = http(url, { retryCount: 0 })
const id = await createPublicClient({ transport }).getChainId()
const chain = defineChain({
  id,
  name: 'ledger',
  nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 },
  rpcUrls: { default: { http: [url] } },
  contracts: { multicall3: { address: '0xcA11bde05977b3631167028862bE2a173976CA11' } },
})
const client = createPublicClient({ chain, transport, pollingInterval: 50, cacheTime: 0 })
const account = privateKeyToAccount(key)
const wallet = createWalletClient({ account, chain, transport })
const stranger = () => privateKeyToAccount(generatePrivateKey())
const friend = stranger()
const transferEvent = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)')
const SUPPLY = 10n ** 24n
let [coin, several, deployed, paid, refusals] = []

const settle = (hash) => client.waitForTransactionReceipt({ hash, timeout: 20_000 })
const read = (functionName, args = [], more = {}) =>
  client.readContract({ address: coin, abi: Coin.abi, functionName, args, ...more })
const transfer = (to, amount, fields = {}) =>
  wallet.writeContract({ address: coin, abi: Coin.abi, functionName: 'transfer', args: [to, amount], ...fields })
const balanceSlot = (owner) => keccak256(`${pad(owner)}${'00'.repeat(32)}`)
/** The error has one of this class within. */
const rejects = (promise, kind, fits = () => true) =>
  assert.rejects(promise, (error) => {
    const found = error instanceof BaseError && error.walk((each) => each instanceof kind)
    assert.ok(found, `no ${kind.name}: ${error.name} ${error.message}`)
    assert.ok(fits(found), error.message)
    return true
  })
/** What a watcher tells first of what fits; `ready` is awaited before anything is done that it should hear of. */
function hear(watch, name, fits) {
  let stop
  const come = new Promise((done, fail) => {
    stop = watch({ onError: fail, [name]: (found) => [found].flat().forEach((each) => fits(each) && done(each)) })
  })
  return { come: come.finally(() => stop()) }
}
/** A client that polls, and that says when the node has answered to it so many times. */
function counting() {
  let [count, heard] = [0, () => {}]
  const transport = http(url, {
    retryCount: 0,
    async onFetchResponse() {
      count += 1
      heard()
    },
  })
  const answers = (wanted) => new Promise((done) => (heard = () => count >= wanted && done())())
  return { client: createPublicClient({ chain, pollingInterval: 50, cacheTime: 0, transport }), answers }
}

await check('deploys an OpenZeppelin ERC-20', async () => {
  const hash = await wallet.deployContract({ abi: Coin.abi, bytecode: Coin.bytecode, args: ['Loaf', 'LOAF', SUPPLY] })
  deployed = await settle(hash)
  coin = deployed.contractAddress
  assert.equal(await client.getCode({ address: coin }), Coin.deployedBytecode)
  assert.deepEqual([await read('name'), await read('balanceOf', [account.address])], ['Loaf', SUPPLY])
})
await check(`the deployment is final on ${everywhere}`, () => finalReceipt(deployed.transactionHash))
await check('the blocks are what their hashes say, with the state root in them', async () => {
  const block = await client.getBlock({ blockNumber: deployed.blockNumber })
  const raw = await client.request({ method: 'eth_getBlockByHash', params: [block.hash, false] })
  const quantity = (name) => (BigInt(raw[name]) === 0n ? '0x' : toHex(BigInt(raw[name])))
  const header = toRlp([
    raw.parentHash,
    raw.sha3Uncles,
    raw.miner,
    raw.stateRoot,
    raw.transactionsRoot,
    raw.receiptsRoot,
    raw.logsBloom,
    ...['difficulty', 'number', 'gasLimit', 'gasUsed', 'timestamp'].map(quantity),
    raw.extraData,
    raw.mixHash,
    raw.nonce,
    quantity('baseFeePerGas'),
    raw.withdrawalsRoot,
    quantity('blobGasUsed'),
    quantity('excessBlobGas'),
    raw.parentBeaconBlockRoot,
    raw.requestsHash,
  ])
  assert.equal(keccak256(header), block.hash)
})

for (const [type, name, fields] of [
  ['legacy', 'a legacy transaction', {}],
  ['eip2930', 'an access list (EIP-2930)', { accessList: [] }],
  ['eip1559', 'a capped fee (EIP-1559)', {}],
]) {
  await check(`transfers with ${name}`, async () => {
    const before = await read('balanceOf', [friend.address])
    paid = await settle(await transfer(friend.address, 1000n, { type, ...fields }))
    assert.deepEqual([paid.type, paid.status], [type, 'success'])
    assert.equal((await client.getTransaction({ hash: paid.transactionHash })).type, type)
    assert.equal(await read('balanceOf', [friend.address]), before + 1000n)
  })
  await check(`the transfer with ${name} is final on ${everywhere}`, () => finalReceipt(paid.transactionHash))
}
await check('an account acts through code it delegated to (EIP-7702), and another pays', async () => {
  several = (await settle(await wallet.deployContract({ abi: Several.abi, bytecode: Several.bytecode })))
    .contractAddress
  const owner = stranger()
  await settle(await transfer(owner.address, 50n))
  const authorization = await createWalletClient({ account: owner, chain, transport }).signAuthorization({
    contractAddress: several,
  })
  const calls = [10n, 20n].map((amount) => ({
    to: coin,
    data: encodeFunctionData({ abi: Coin.abi, functionName: 'transfer', args: [friend.address, amount] }),
  }))
  const before = await read('balanceOf', [friend.address])
  const hash = await wallet.writeContract({
    address: owner.address,
    abi: Several.abi,
    functionName: 'run',
    args: [calls],
    authorizationList: [authorization],
  })
  paid = await settle(hash)
  assert.deepEqual([paid.type, paid.status], ['eip7702', 'success'])
  assert.equal(await read('balanceOf', [friend.address]), before + 30n)
  assert.equal((await client.getDelegation({ address: owner.address })).toLowerCase(), several.toLowerCase())
  const [did] = parseEventLogs({ abi: Several.abi, logs: paid.logs, eventName: 'Did' })
  assert.deepEqual([did.args.calls, did.address], [2n, owner.address.toLowerCase()])
  // And it takes its delegation back.
  const back = await createWalletClient({ account: owner, chain, transport }).signAuthorization({
    contractAddress: `0x${'00'.repeat(20)}`,
  })
  await settle(await wallet.sendTransaction({ to: account.address, authorizationList: [back] }))
  assert.equal(await client.getCode({ address: owner.address }), undefined)
})
await check(`the delegation is final on ${everywhere}`, () => finalReceipt(paid.transactionHash))

await check('reads and decodes logs by address, topics and event', async () => {
  const logs = await client.getLogs({
    address: coin,
    event: transferEvent,
    args: { from: account.address, to: [friend.address, coin] },
    fromBlock: deployed.blockNumber,
  })
  assert.deepEqual(
    logs.map((log) => log.args.value),
    [1000n, 1000n, 1000n],
  )
  const { args } = decodeEventLog({ abi: Coin.abi, data: logs[0].data, topics: logs[0].topics })
  assert.deepEqual([args.from, args.to], [account.address, friend.address])
  const past = await client.getContractEvents({
    address: coin,
    abi: Coin.abi,
    eventName: 'Transfer',
    fromBlock: 0n,
    args: { to: friend.address },
  })
  assert.deepEqual(
    past.map((log) => log.args.value),
    [1000n, 1000n, 1000n, 10n, 20n],
  )
  const filter = await client.createContractEventFilter({
    address: coin,
    abi: Coin.abi,
    eventName: 'Transfer',
    fromBlock: deployed.blockNumber,
  })
  assert.deepEqual((await client.getFilterLogs({ filter }))[0].args.value, SUPPLY)
  assert.equal(await client.uninstallFilter({ filter }), true)
})
await check('watches its contract and the heads over a WebSocket', async () => {
  const socket = createPublicClient({ chain, transport: webSocket(ws, { retryCount: 0 }) })
  const event = hear(
    (on) =>
      socket.watchContractEvent({
        address: coin,
        abi: Coin.abi,
        eventName: 'Transfer',
        args: { to: friend.address },
        ...on,
      }),
    'onLogs',
    (log) => log.args.value === 777n,
  )
  const before = await client.getBlockNumber()
  const head = hear(
    (on) => socket.watchBlocks(on),
    'onBlock',
    (block) => block.number > before,
  )
  // The node has subscribed both when it has answered to something later.
  await socket.getChainId()
  const receipt = await settle(await transfer(friend.address, 777n))
  assert.equal((await event.come).blockHash, receipt.blockHash)
  assert.ok((await head.come).number > before)
  const rpc = await socket.transport.getRpcClient()
  rpc.close()
})
await check('watches its contract, blocks and waiting transactions by polling', async () => {
  const { client: polling, answers } = counting()
  const event = hear(
    (on) => polling.watchContractEvent({ address: coin, abi: Coin.abi, eventName: 'Transfer', ...on }),
    'onLogs',
    (log) => log.args.value === 778n,
  )
  const before = await client.getBlockNumber()
  const number = hear(
    (on) => polling.watchBlockNumber(on),
    'onBlockNumber',
    (height) => height > before,
  )
  const hashes = []
  const pending = hear(
    (on) => polling.watchPendingTransactions(on),
    'onTransactions',
    (hash) => hashes.push(hash),
  )
  // Both filters and the first height are there.
  await answers(3)
  const receipt = await settle(await transfer(friend.address, 778n))
  assert.equal((await event.come).transactionHash, receipt.transactionHash)
  assert.ok((await number.come) > before)
  await pending.come
})
await check('proves an account and a slot against the state root, and absent ones too', async () => {
  const { number: blockNumber, stateRoot } = await client.getBlock()
  const params = [coin, [balanceSlot(friend.address), balanceSlot(stranger().address)], toHex(blockNumber)]
  const answer = await client.request({ method: 'eth_getProof', params })
  assert.equal(await verifyProof(stateRoot, answer), true)
  assert.equal(BigInt(answer.storageProof[0].value), await read('balanceOf', [friend.address], { blockNumber }))
  await refusesForgeries(stateRoot, answer)
  const typed = await client.getProof({ address: coin, storageKeys: params[1], blockNumber })
  assert.deepEqual(
    typed.storageProof.map((slot) => slot.value),
    [await read('balanceOf', [friend.address]), 0n],
  )
  const nobody = await client.request({ method: 'eth_getProof', params: [stranger().address, [], toHex(blockNumber)] })
  assert.equal(await verifyProof(stateRoot, nobody), false)
})
await check('estimates gas and fees, reads their history, makes an access list', async () => {
  const data = encodeFunctionData({ abi: Coin.abi, functionName: 'transfer', args: [friend.address, 1n] })
  const call = { account, to: coin, data }
  const gas = await client.estimateGas(call)
  const made = await client.createAccessList(call)
  assert.equal(made.accessList[0].storageKeys.length, 2)
  const fees = await client.estimateFeesPerGas()
  assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas && fees.maxPriorityFeePerGas >= 0n)
  const receipt = await settle(await wallet.sendTransaction({ to: coin, data, gas, ...fees }))
  assert.equal(receipt.status, 'success')
  const history = await client.getFeeHistory({ blockCount: 3, rewardPercentiles: [25, 75] })
  assert.deepEqual([history.baseFeePerGas.length, history.gasUsedRatio.length, history.reward.length], [4, 3, 3])
  await settle(await wallet.sendTransaction({ to: coin, data, accessList: made.accessList }))
})
await check('calls at an old block, many calls in one (Multicall3), and with overrides', async () => {
  assert.equal(await read('balanceOf', [friend.address], { blockNumber: deployed.blockNumber }), 0n)
  const owners = [account.address, friend.address]
  const call = (owner) => ({ address: coin, abi: Coin.abi, functionName: 'balanceOf', args: [owner] })
  const balances = await client.multicall({ contracts: owners.map(call), allowFailure: false })
  assert.deepEqual(balances, await Promise.all(owners.map((owner) => read('balanceOf', [owner]))))
  const height = await client.readContract({
    address: chain.contracts.multicall3.address,
    abi: [parseAbiItem('function getBlockNumber() view returns (uint256)')],
    functionName: 'getBlockNumber',
  })
  assert.ok(height >= deployed.blockNumber && multicall3Abi.length > 0)
  const stateDiff = [{ slot: balanceSlot(friend.address), value: pad('0x05') }]
  assert.equal(await read('balanceOf', [friend.address], { stateOverride: [{ address: coin, stateDiff }] }), 5n)
})
await check('tells reverts apart: own error, text, panic', async () => {
  refusals = (await settle(await wallet.deployContract({ abi: Refusals.abi, bytecode: Refusals.bytecode })))
    .contractAddress
  const call = (functionName, args) =>
    client.simulateContract({ account, address: refusals, abi: Refusals.abi, functionName, args })
  const reverted = (promise, fits) => rejects(promise, ContractFunctionRevertedError, fits)
  await reverted(
    call('custom', [3n]),
    ({ data }) => data.errorName === 'NotToday' && data.args[0] === account.address && data.args[1] === 3n,
  )
  await reverted(call('text', []), ({ reason }) => reason === 'not today')
  await reverted(call('panic', [0n]), ({ data }) => data.errorName === 'Panic' && data.args[0] === 0x12n)
  await reverted(
    client.simulateContract({
      account: friend,
      address: coin,
      abi: Coin.abi,
      functionName: 'transfer',
      args: [account.address, SUPPLY],
    }),
    ({ data }) => data.errorName === 'ERC20InsufficientBalance' && data.args[2] === SUPPLY,
  )
})
await check(`a transaction that failed says so, on ${everywhere}`, async () => {
  const hash = await wallet.writeContract({ address: refusals, abi: Refusals.abi, functionName: 'text', gas: 100_000n })
  assert.equal((await settle(hash)).status, 'reverted')
  await finalReceipt(hash, '0x0')
})

const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n, gas: 60_000n }
const plain = (fields) => wallet.sendTransaction({ to: account.address, value: 1n, ...fees, ...fields })
await check('knows a nonce that was used (NonceTooLowError)', () => rejects(plain({ nonce: 0 }), NonceTooLowError))
await check('knows an empty purse (InsufficientFundsError)', () =>
  rejects(
    createWalletClient({ account: stranger(), chain, transport }).sendTransaction({ to: coin, value: 1n, ...fees }),
    InsufficientFundsError,
  ),
)
await check('knows too little gas (IntrinsicGasTooLowError)', () =>
  rejects(plain({ gas: 20_000n }), IntrinsicGasTooLowError),
)
await check('knows a fee below the base fee in a call (FeeCapTooLowError)', () =>
  rejects(client.call({ account, to: friend.address, maxFeePerGas: 1n, maxPriorityFeePerGas: 0n }), FeeCapTooLowError),
)
await check('knows a tip above the fee (TipAboveFeeCapError)', async () => {
  const request = {
    type: 'eip1559',
    chainId: id,
    nonce: await client.getTransactionCount(account),
    to: coin,
    gas: 60_000n,
  }
  await rejects(
    client.call({ account, to: friend.address, maxFeePerGas: 10n, maxPriorityFeePerGas: 11n }),
    TipAboveFeeCapError,
  )
  // viem would not sign it; the node is asked all the same, by a transaction for another chain.
  const elsewhere = await account.signTransaction({ ...request, ...fees, chainId: id + 1 })
  await assert.rejects(client.sendRawTransaction({ serializedTransaction: elsewhere }), /invalid chain id/)
})
await check('knows a replacement that pays too little; one that pays enough takes its place', async () => {
  const nonce = await client.getTransactionCount(account)
  // With a nonce missing before it, it has to wait.
  const waiting = await plain({ nonce: nonce + 1 })
  assert.equal((await client.getTransaction({ hash: waiting })).blockNumber, null)
  await assert.rejects(plain({ nonce: nonce + 1, value: 2n }), (error) => {
    assert.match(
      error.walk((each) => each.name === 'InvalidInputRpcError' || each.details).details,
      /replacement transaction underpriced/,
    )
    return true
  })
  let replacement
  const watching = counting()
  const replaced = watching.client.waitForTransactionReceipt({
    hash: waiting,
    timeout: 20_000,
    onReplaced: (found) => (replacement = found),
  })
  // It has to know the first one to see that another took its place: the height, the transaction, no receipt.
  await watching.answers(3)
  const second = await plain({
    nonce: nonce + 1,
    value: 2n,
    maxFeePerGas: 12n * 10n ** 9n,
    maxPriorityFeePerGas: 12n * 10n ** 8n,
  })
  await settle(await plain({ nonce }))
  assert.equal((await replaced).transactionHash, second)
  assert.deepEqual([replacement.reason, replacement.transaction.hash], ['replaced', second])
  await finalReceipt(second)
})
await check('sends what it asks at once as one batch', async () => {
  const sizes = []
  const batching = createPublicClient({
    chain,
    transport: http(url, {
      batch: true,
      async onFetchRequest(request) {
        sizes.push(JSON.parse(await request.clone().text()).length)
      },
    }),
  })
  const balances = await Promise.all([account, friend].map(({ address }) => batching.getBalance({ address })))
  assert.deepEqual([balances[0] > 0n, balances[1]], [true, 0n])
  assert.deepEqual(sizes, [2])
})
end()
