// The contracts of this folder, compiled offline by npm's JavaScript solc. Run by itself it prints them, for clients that
// are not JavaScript.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const root = import.meta.dirname
const folder = path.join(root, 'contracts')
/** Ignored by git, and gone with the compiler. */
const cache = path.join(root, 'node_modules', '.cache', 'solidity')

const settings = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'prague',
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
}

function read() {
  const names = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.sol'))
    .sort()
  return Object.fromEntries(names.map((name) => [name, { content: fs.readFileSync(path.join(folder, name), 'utf8') }]))
}

function compile(input) {
  const solc = require('solc')
  const find = (name) => {
    const file = path.join(root, 'node_modules', name)
    return fs.existsSync(file) ? { contents: fs.readFileSync(file, 'utf8') } : { error: `not found: ${name}` }
  }
  const output = JSON.parse(solc.compile(input, { import: find }))
  const errors = (output.errors ?? []).filter((each) => each.severity === 'error')
  if (errors.length) throw new Error(errors.map((each) => each.formattedMessage).join('\n'))
  const own = Object.entries(output.contracts).filter(([file]) => !file.startsWith('@'))
  return Object.fromEntries(
    own
      .flatMap(([, contracts]) => Object.entries(contracts))
      .map(([name, { abi, evm }]) => [
        name,
        { abi, bytecode: `0x${evm.bytecode.object}`, deployedBytecode: `0x${evm.deployedBytecode.object}` },
      ]),
  )
}

/** `{ Coin: { abi, bytecode, deployedBytecode }, … }`; compiled once, since that takes seconds and every client needs it. */
export function contracts() {
  const input = JSON.stringify({ language: 'Solidity', sources: read(), settings })
  const versions = ['solc', '@openzeppelin/contracts'].map((name) => require(`${name}/package.json`).version)
  const hash = createHash('sha256')
    .update(JSON.stringify([input, versions]))
    .digest('hex')
    .slice(0, 32)
  const file = path.join(cache, `${hash}.json`)
  if (!fs.existsSync(file)) {
    fs.mkdirSync(cache, { recursive: true })
    // Whole or not at all: another client may be reading.
    const part = `${file}.${process.pid}`
    fs.writeFileSync(part, JSON.stringify(compile(input)))
    fs.renameSync(part, file)
  }
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) console.log(JSON.stringify(contracts()))
