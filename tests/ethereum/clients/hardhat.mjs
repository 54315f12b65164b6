// hardhat 2: a project's own mocha tests (hardhat/) over the ledger. Each of them is a check; hardhat/lines.cjs prints them.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'
import { place } from '../network.mjs'

const { http, key } = place('hardhat')
const root = path.resolve(import.meta.dirname, '..')
const hardhat = createRequire(import.meta.url).resolve('hardhat/internal/cli/bootstrap.js')
// What it keeps for itself stays in this folder too, and it asks nobody whether it may report its use.
const home = path.join(root, 'node_modules', '.cache', 'hardhat', 'home')
const env = {
  ...process.env,
  WEFT_NODE: http,
  WEFT_KEY: key,
  HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true',
  CI: 'true',
  XDG_CONFIG_HOME: home,
  XDG_DATA_HOME: home,
  XDG_CACHE_HOME: home,
}
const child = spawn(process.execPath, [hardhat, 'test', '--network', 'weft', 'hardhat/coin.cjs'], {
  cwd: root,
  env,
  stdio: ['ignore', 'inherit', 'inherit'],
  timeout: 180_000,
  killSignal: 'SIGKILL',
})
child.on('close', (code) => (process.exitCode = code ?? 1))
