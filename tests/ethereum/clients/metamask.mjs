// What MetaMask's extension sends when an account is shown, a coin is sent and its way is followed: the requests of its
// network, gas-fee, transaction and account-tracker controllers, with the headers of an extension's page. And who else may
// not call: web pages, and names that were pointed to this host.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { Interface, Transaction, Wallet, toBeHex, toQuantity } from 'ethers'
import { checks, until } from '../checks.mjs'
import { everywhere, finalReceipt, place } from '../network.mjs'
import { contracts } from '../solidity.mjs'

const { check, end } = checks('metamask')
const { http, key } = place('metamask')
const { Coin } = contracts()
const ORIGIN = 'chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn'
const wallet = new Wallet(key)
const from = wallet.address.toLowerCase()
const friend = Wallet.createRandom().address.toLowerCase()
const api = new Interface(Coin.abi)
// As its controllers number their requests.
let id = Math.floor(Math.random() * 1e6) * 1e6
let [chainId, block, gas, fees, hash, coin] = []

/** One HTTP request with exactly these headers; `host` too, which fetch does not let anybody set. */
function http11(method, headers, body) {
  const address = new URL(http)
  return new Promise((done, fail) => {
    const sent = request(
      { host: address.hostname, port: address.port, path: '/', method, headers, timeout: 10_000 },
      (answer) => {
        let text = ''
        answer.on('data', (part) => (text += part))
        answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, text }))
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('no answer within 10 s')))
    sent.on('error', fail)
    sent.end(body)
  })
}
const headers = { accept: 'application/json', 'content-type': 'application/json' }
const payload = (method, params = []) => JSON.stringify({ id: (id += 1), jsonrpc: '2.0', method, params })

/** As the extension calls; the answer must be one that a browser shows to it. */
async function ask(method, ...params) {
  const answer = await http11('POST', { ...headers, origin: ORIGIN }, payload(method, params))
  assert.equal(answer.status, 200, `${method}: ${answer.status} ${answer.text}`)
  assert.equal(answer.headers['access-control-allow-origin'], ORIGIN)
  assert.match(answer.headers['content-type'], /^application\/json/)
  const { result, error, id: same, jsonrpc } = JSON.parse(answer.text)
  assert.deepEqual([same, jsonrpc], [id, '2.0'])
  if (error) throw Object.assign(new Error(`${method}: ${error.message} (${error.code})`), error)
  return result
}
/** Signs and sends as its transaction controller does: estimate, a half more, the nonce of its own count. */
async function send(fields) {
  const nonce = Number(await ask('eth_getTransactionCount', from, toQuantity(await ask('eth_blockNumber'))))
  const signed = await wallet.signTransaction({ type: 2, chainId, nonce, ...fees, ...fields })
  const sent = await ask('eth_sendRawTransaction', signed)
  assert.equal(sent, Transaction.from(signed).hash)
  return sent
}

await check('a preflight from the extension is answered', async () => {
  const asked = {
    origin: ORIGIN,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  }
  const answer = await http11('OPTIONS', asked)
  assert.ok([200, 204].includes(answer.status), `${answer.status}`)
  assert.equal(answer.headers['access-control-allow-origin'], ORIGIN)
  assert.match(answer.headers['access-control-allow-methods'], /\bPOST\b/)
  assert.match(answer.headers['access-control-allow-headers'], /\bcontent-type\b/i)
  assert.match(answer.headers.vary, /origin/i)
})
await check('a preflight to a private network is answered', async () => {
  const answer = await http11('OPTIONS', {
    origin: ORIGIN,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
    'access-control-request-private-network': 'true',
  })
  assert.equal(answer.headers['access-control-allow-private-network'], 'true')
})
await check('adding the network: chain id and network id', async () => {
  chainId = BigInt(await ask('eth_chainId'))
  assert.equal(await ask('net_version'), `${chainId}`)
})
await check('following the chain: height and latest block, with a base fee (EIP-1559)', async () => {
  const height = await ask('eth_blockNumber')
  assert.match(height, /^0x(0|[1-9a-f][0-9a-f]*)$/)
  block = await ask('eth_getBlockByNumber', 'latest', false)
  assert.ok(BigInt(block.number) >= BigInt(height))
  assert.ok(BigInt(block.baseFeePerGas) >= 0n && BigInt(block.gasLimit) > 21_000n)
  assert.equal((await ask('eth_getBlockByNumber', block.number, false)).hash, block.hash)
})
await check('showing an account: balance, code, nonce', async () => {
  assert.ok(BigInt(await ask('eth_getBalance', from, 'latest')) > 10n ** 18n)
  assert.ok(BigInt(await ask('eth_getBalance', from, block.number)) > 10n ** 18n)
  assert.equal(await ask('eth_getCode', from, 'latest'), '0x')
  assert.match(await ask('eth_getTransactionCount', from, 'pending'), /^0x/)
})
await check('proposing fees: gas price and fee history of 5 blocks', async () => {
  const price = BigInt(await ask('eth_gasPrice'))
  const count = Math.min(5, Number(block.number) + 1)
  const history = await ask('eth_feeHistory', '0x5', block.number, [10, 20, 30])
  assert.equal(history.baseFeePerGas.length, count + 1)
  assert.ok(history.reward.every((tips) => tips.length === 3) && history.reward.length === count)
  assert.ok(history.gasUsedRatio.every((ratio) => typeof ratio === 'number' && ratio >= 0 && ratio <= 1))
  fees = { maxPriorityFeePerGas: price > 1n ? 1n : 0n, maxFeePerGas: price * 2n + 1n }
})
await check('estimating the gas of a plain payment', async () => {
  assert.equal(await ask('eth_getCode', friend, 'latest'), '0x')
  gas = BigInt(await ask('eth_estimateGas', { from, to: friend, value: '0x2386f26fc10000', data: '0x' }))
  assert.equal(gas, 21_000n)
  const capped = { from, to: friend, value: '0x1', gas: toQuantity((BigInt(block.gasLimit) * 9n) / 10n) }
  assert.equal(BigInt(await ask('eth_estimateGas', capped)), 21_000n)
})
await check('sending a payment, and its receipt', async () => {
  hash = await send({ to: friend, value: 10n ** 16n, gasLimit: gas })
  const receipt = await until('the receipt', () => ask('eth_getTransactionReceipt', hash))
  assert.deepEqual([receipt.status, receipt.type, receipt.from, receipt.to], ['0x1', '0x2', from, friend])
  assert.ok(BigInt(receipt.effectiveGasPrice) > 0n)
  assert.equal((await ask('eth_getBlockByHash', receipt.blockHash, false)).number, receipt.blockNumber)
  assert.equal((await ask('eth_getTransactionByHash', hash)).blockHash, receipt.blockHash)
  assert.equal(BigInt(await ask('eth_getBalance', friend, 'latest')), 10n ** 16n)
})
await check(`the payment is final on ${everywhere}`, () => finalReceipt(hash))
await check('a receipt that is not there is null', async () =>
  assert.equal(await ask('eth_getTransactionReceipt', `0x${'12'.repeat(32)}`), null),
)
await check('adding a token: its symbol, decimals and balance', async () => {
  const data = `${Coin.bytecode}${api.encodeDeploy(['Loaf', 'LOAF', 10n ** 20n]).slice(2)}`
  const need = BigInt(await ask('eth_estimateGas', { from, data, value: '0x0' }))
  const created = await send({ data, gasLimit: (need * 3n) / 2n })
  coin = (await until('the receipt', () => ask('eth_getTransactionReceipt', created))).contractAddress
  const call = async (name, ...args) =>
    api.decodeFunctionResult(
      name,
      await ask('eth_call', { to: coin, data: api.encodeFunctionData(name, args) }, 'latest'),
    )[0]
  assert.deepEqual(
    [await call('symbol'), await call('decimals'), await call('balanceOf', from)],
    ['LOAF', 18n, 10n ** 20n],
  )
  // It asks for interfaces (ERC-165) that a token does not have: an error that says "reverted", not silence.
  const supports = `0x01ffc9a7${'80ac58cd'.padEnd(64, '0')}`
  await assert.rejects(
    ask('eth_call', { to: coin, data: supports }, 'latest'),
    ({ code, message }) => code === 3 && /execution reverted/.test(message),
  )
})
await check('sending a token', async () => {
  const data = api.encodeFunctionData('transfer', [friend, 5n])
  assert.notEqual(await ask('eth_getCode', coin, 'latest'), '0x')
  const need = BigInt(await ask('eth_estimateGas', { from, to: coin, data, value: '0x0' }))
  hash = await send({ to: coin, data, gasLimit: (need * 3n) / 2n })
  const receipt = await finalReceipt(hash)
  assert.equal(receipt.logs.length, 1)
})
await check('a payment that cannot be paid is an error with a code, in an answer that the page may read', () =>
  assert.rejects(
    ask('eth_estimateGas', { from: friend, to: from, value: toBeHex(10n ** 30n) }),
    ({ code, message }) => Number.isInteger(code) && /insufficient funds/.test(message),
  ),
)

const evil = { origin: 'https://evil.example' }
const address = new URL(http)
const refusals = {
  'a web page from elsewhere': { ...headers, ...evil },
  'a page without an origin to name': { ...headers, origin: 'null' },
  'a page on this host, of another port': {
    ...headers,
    origin: `http://${address.hostname}:${Number(address.port) === 80 ? 81 : 80}`,
  },
  'a name that was pointed to this host': { ...headers, host: 'evil.example' },
  'a name that begins like this host': { ...headers, host: `localhost.evil.example:${address.port}` },
}
for (const [who, given] of Object.entries(refusals)) {
  await check(`refused: ${who}`, async () => {
    const answer = await http11('POST', given, payload('eth_chainId'))
    assert.equal(answer.status, 403)
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
    assert.ok(!answer.text.includes(toQuantity(chainId)), 'it was answered all the same')
  })
}
await check('refused: a preflight of a web page from elsewhere', async () => {
  const answer = await http11('OPTIONS', {
    ...evil,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  })
  assert.equal(answer.status, 403)
  assert.equal(answer.headers['access-control-allow-origin'], undefined)
})
await check('refused: a transaction of a web page from elsewhere changes nothing', async () => {
  const nonce = Number(await ask('eth_getTransactionCount', from, 'latest'))
  const signed = await wallet.signTransaction({
    type: 2,
    chainId,
    nonce,
    ...fees,
    to: friend,
    value: 1n,
    gasLimit: 21_000n,
  })
  // A form can post text without a preflight.
  const answer = await http11(
    'POST',
    { ...evil, 'content-type': 'text/plain' },
    payload('eth_sendRawTransaction', [signed]),
  )
  assert.equal(answer.status, 403)
  assert.equal(await ask('eth_getTransactionByHash', Transaction.from(signed).hash), null)
})
await check('refused: a WebSocket that a web page from elsewhere opens; the extension may open one', async () => {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  assert.equal((await http11('GET', { ...upgrade, ...evil })).status, 403)
  const status = await new Promise((done, fail) => {
    const asked = request({
      host: address.hostname,
      port: address.port,
      headers: { ...upgrade, origin: ORIGIN },
      timeout: 10_000,
    })
    asked.on('upgrade', (answer, socket) => done(answer.statusCode) ?? socket.destroy())
    asked.on('response', (answer) => done(answer.statusCode))
    asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')))
    asked.on('error', fail).end()
  })
  assert.equal(status, 101)
})
end()
