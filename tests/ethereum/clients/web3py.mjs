// web3.py: Python does it all (python/ledger.py); this gives it the network, the compiled contracts, and a bound in time.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { nodes, place } from '../network.mjs'
import { contracts } from '../solidity.mjs'

const python = process.env.WEFT_PYTHON || 'python3'
const script = path.join(import.meta.dirname, '..', 'python', 'ledger.py')
const child = spawn(python, ['-uB', script], {
  stdio: ['pipe', 'inherit', 'inherit'],
  timeout: 180_000,
  killSignal: 'SIGKILL',
})
child.on('error', (error) => {
  console.log(`FAIL web3py: ${python} runs: ${error.message}`)
  process.exitCode = 1
})
child.on('close', (code) => (process.exitCode = code ?? 1))
// It may have ended before it read: its exit code says so.
child.stdin.on('error', () => {})
child.stdin.end(JSON.stringify({ ...place('web3py'), nodes, contracts: contracts() }))
