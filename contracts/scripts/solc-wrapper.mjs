#!/usr/bin/env node
// Lets forge compile with npm's JavaScript solc: answers `--version` and `--standard-json` as the native compiler does.
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'

const solc = createRequire(import.meta.url)('solc')
const args = process.argv.slice(2)

/** The value after a flag, every time it is given. */
const values = (flag) => args.flatMap((arg, i) => (arg === flag ? [args[i + 1]] : []))

if (args.includes('--version')) {
  const version = solc.version().replace('.Emscripten.clang', '.Linux.g++')
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${version}`)
} else if (args.includes('--standard-json')) {
  const roots = [...values('--base-path'), ...values('--include-path'), process.cwd()]
  const readImport = (name) => {
    const file = roots.map((root) => path.join(root, name)).find((candidate) => fs.existsSync(candidate))
    return file ? { contents: fs.readFileSync(file, 'utf8') } : { error: `not found: ${name}` }
  }
  const last = args.at(-1)
  const input = last.endsWith('.json') && fs.existsSync(last) ? last : 0
  const output = Buffer.from(solc.compile(fs.readFileSync(input, 'utf8'), { import: readImport }))
  // A pipe that is full answers EAGAIN; writing on is all there is to do.
  for (let offset = 0; offset < output.length; ) {
    try {
      offset += fs.writeSync(1, output, offset)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
} else {
  console.error('solc-wrapper: only --version and --standard-json are answered, not', args)
  process.exitCode = 1
}
