// A project's own tests, as hardhat's users write them; what they sent is final everywhere by the last one.
const { expect } = require('chai')
const { ethers, network, config } = require('hardhat')

describe('a coin', () => {
  const SUPPLY = 10n ** 24n
  const hashes = []
  let [owner, friend, coin] = []

  /** Sends, waits, and remembers. */
  const settle = async (sending) => {
    const receipt = await (await sending).wait()
    hashes.push(receipt.hash)
    return receipt
  }

  before(async () => {
    ;[owner] = await ethers.getSigners()
    // An account that no one has used, with something to pay with.
    friend = ethers.Wallet.createRandom().connect(ethers.provider)
    await settle(owner.sendTransaction({ to: friend.address, value: 10n ** 17n }))
    coin = await ethers.deployContract('Coin', ['Loaf', 'LOAF', SUPPLY])
    await coin.waitForDeployment()
    hashes.push(coin.deploymentTransaction().hash)
  })

  it('runs on the ledger and not in hardhat', async () => {
    expect(network.name).to.equal('weft')
    expect(await ethers.provider.send('web3_clientVersion', [])).not.to.match(/hardhat/i)
    expect((await ethers.provider.getNetwork()).chainId).to.equal(BigInt(await network.provider.send('eth_chainId')))
    expect(config.networks.weft.url).to.equal(network.config.url)
  })
  it('is deployed, with all for who did it', async () => {
    expect(await coin.balanceOf(owner.address)).to.equal(SUPPLY)
    expect(await ethers.provider.getCode(coin.target)).to.have.length.above(100)
  })
  it('moves and tells of it', async () => {
    const receipt = await settle(coin.transfer(friend.address, 1000n))
    const [event] = await coin.queryFilter(coin.filters.Transfer(owner.address, friend.address), receipt.blockNumber)
    expect(event.args.value).to.equal(1000n)
    expect(event.transactionHash).to.equal(receipt.hash)
    expect(await coin.balanceOf(friend.address)).to.equal(1000n)
  })
  it('moves by an allowance, which a second account uses', async () => {
    await settle(coin.approve(friend.address, 50n))
    await settle(coin.connect(friend).transferFrom(owner.address, friend.address, 30n))
    expect(await coin.allowance(owner.address, friend.address)).to.equal(20n)
  })
  it('refuses what is not there, and says why', async () => {
    const error = await coin
      .connect(friend)
      .transfer(owner.address, SUPPLY)
      .then(
        () => undefined,
        (error) => error,
      )
    expect(error, 'it was not refused').to.be.an('error')
    const data = error.data?.data ?? error.data
    expect(coin.interface.parseError(data).name).to.equal('ERC20InsufficientBalance')
  })
  it('reads the past: a snapshot of balances at an earlier block', async () => {
    const { blockNumber } = await ethers.provider.getTransactionReceipt(hashes[1])
    expect(await coin.balanceOf(owner.address, { blockTag: blockNumber })).to.equal(SUPPLY)
    expect((await coin.balanceOf(owner.address)) < SUPPLY).to.equal(true)
  })
  it('takes each kind of transaction', async () => {
    const { gasPrice } = await ethers.provider.getFeeData()
    for (const fields of [{ type: 0, gasPrice }, { type: 1, gasPrice, accessList: [] }, { type: 2 }]) {
      expect((await settle(coin.transfer(friend.address, 1n, fields))).type).to.equal(fields.type)
    }
  })
  it('is final on every node', async () => {
    const { finalReceipt } = await import('../network.mjs')
    expect(hashes).to.have.length(8)
    for (const hash of hashes) await finalReceipt(hash)
  })
})
