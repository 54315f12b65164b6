// Hardhat 2 over the ledger: `hardhat test --network weft`, with WEFT_NODE and WEFT_KEY. It compiles with npm's solc.
require('@nomicfoundation/hardhat-ethers')
const { subtask } = require('hardhat/config')
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require('hardhat/builtin-tasks/task-names')

const version = require('solc/package.json').version

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async () => ({
  compilerPath: require.resolve('solc/soljson.js'),
  isSolcJs: true,
  version,
  longVersion: require('solc').version(),
}))

module.exports = {
  solidity: { version, settings: { evmVersion: 'prague', optimizer: { enabled: true, runs: 200 } } },
  paths: {
    sources: 'contracts',
    tests: 'hardhat',
    cache: 'node_modules/.cache/hardhat',
    artifacts: 'node_modules/.cache/hardhat/artifacts',
  },
  networks: {
    weft: {
      url: process.env.WEFT_NODE ?? '',
      accounts: process.env.WEFT_KEY ? [process.env.WEFT_KEY] : [],
      timeout: 20_000,
    },
  },
  mocha: { reporter: require.resolve('./hardhat/lines.cjs'), timeout: 40_000 },
}
