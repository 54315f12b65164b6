#!/usr/bin/env node
// Compiles src/ and writes artifacts/<Name>.json; with --check, compiles and fails if what is checked in differs; with
// --forge, also if forge's last build, which the tests ran on, has another code.
import { createRequire } from 'node:module'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

const solc = createRequire(import.meta.url)('solc')
const root = path.resolve(import.meta.dirname, '..')
const folder = path.join(root, 'artifacts')
const check = process.argv.includes('--check')
const forge = process.argv.includes('--forge')

/** What goes into a genesis: code alone makes these contracts whole. */
const PREDEPLOYS = ['Staking', 'NamingRegistry', 'Anchors', 'TokenFactory']
const CONTRACTS = [...PREDEPLOYS, 'FactoryToken']

/** One value of foundry.toml, so that forge and this script cannot compile differently. */
function setting(name) {
  const line = fs.readFileSync(path.join(root, 'foundry.toml'), 'utf8').match(new RegExp(`^${name} = (.*)$`, 'm'))
  if (!line) throw new Error(`foundry.toml has no ${name}`)
  return JSON.parse(line[1])
}

const settings = {
  optimizer: { enabled: setting('optimizer'), runs: setting('optimizer_runs') },
  evmVersion: setting('evm_version'),
  metadata: { bytecodeHash: setting('bytecode_hash'), appendCBOR: setting('cbor_metadata') },
  remappings: setting('remappings'),
  outputSelection: {
    '*': {
      '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.deployedBytecode.immutableReferences'],
    },
  },
}

function compile() {
  const sources = {}
  for (const file of fs.readdirSync(path.join(root, 'src')).sort()) {
    sources[`src/${file}`] = { content: fs.readFileSync(path.join(root, 'src', file), 'utf8') }
  }
  const input = JSON.stringify({ language: 'Solidity', sources, settings })
  const find = (name) => {
    const file = path.join(root, name)
    return fs.existsSync(file) ? { contents: fs.readFileSync(file, 'utf8') } : { error: `not found: ${name}` }
  }
  const output = JSON.parse(solc.compile(input, { import: find }))
  const errors = (output.errors ?? []).filter((e) => e.severity === 'error')
  if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join('\n'))
  return output.contracts
}

const started = Date.now()
const compiled = compile()
const settingsHash = `0x${createHash('sha256').update(JSON.stringify(settings)).digest('hex')}`
const differing = []
fs.mkdirSync(folder, { recursive: true })
for (const name of CONTRACTS) {
  const contract = compiled[`src/${name}.sol`][name]
  const { bytecode, deployedBytecode } = contract.evm
  if (PREDEPLOYS.includes(name) && Object.keys(deployedBytecode.immutableReferences).length) {
    throw new Error(`${name} has immutables: its code is not whole without its constructor`)
  }
  const artifact = {
    contractName: name,
    solc: solc.version(),
    settingsHash,
    abi: contract.abi,
    bytecode: `0x${bytecode.object}`,
    deployedBytecode: `0x${deployedBytecode.object}`,
  }
  const text = `${JSON.stringify(artifact, null, 1)}\n`
  const file = path.join(folder, `${name}.json`)
  if (check) {
    if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) differing.push(`artifacts/${name}.json`)
  } else {
    fs.writeFileSync(file, text)
  }
  if (forge) {
    const built = JSON.parse(fs.readFileSync(path.join(root, 'out', `${name}.sol`, `${name}.json`), 'utf8'))
    if (built.bytecode.object !== artifact.bytecode) differing.push(`out/${name}.sol (forge's build)`)
  }
}
// What is there and is made by nothing would be taken for true.
for (const file of fs.readdirSync(folder)) {
  if (!CONTRACTS.includes(path.basename(file, '.json'))) differing.push(`artifacts/${file} (nothing makes it)`)
}
if (differing.length) {
  console.error(`differ from src/: ${differing.join(', ')}\nmend: npm run artifacts`)
  process.exit(1)
}
console.log(`${CONTRACTS.length} artifacts ${check ? 'agree with src/' : 'written'}, ${Date.now() - started} ms`)
