#!/usr/bin/env node
// Lets forge compile with npm's JavaScript solc: answers `--version` and `--standard-json` as the native compiler does.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'

const solc = createRequire(import.meta.url)('solc')
const args = process.argv.slice(2)

if (args.includes('--version')) {
  console.log(
    `solc, the solidity compiler commandline interface\nVersion: ${solc.version().replace('.Emscripten.clang', '.Linux.g++')}`,
  )
} else if (args.includes('--standard-json')) {
  const find = (name) => {
    const file = path.join(import.meta.dirname, '..', name)
    return fs.existsSync(file) ? { contents: fs.readFileSync(file, 'utf8') } : { error: `not found: ${name}` }
  }
  const output = solc.compile(fs.readFileSync(0, 'utf8'), { import: find })
  process.stdout.write(output)
} else {
  console.error('solc.mjs: only --version and --standard-json are answered, not', args)
  process.exitCode = 1
}
