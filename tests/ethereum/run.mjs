#!/usr/bin/env node
// Runs every client, or those that are named, over the network that WEFT_RPC and WEFT_KEYS give: see README.md.
import { spawn } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { CLIENTS, everywhere, nodes } from './network.mjs'
import { contracts } from './solidity.mjs'

/** 5 minutes: the longest that a client may take. */
const LIMIT = 300_000

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !CLIENTS.includes(name))
if (unknown.length) throw new Error(`no client ${unknown.join(', ')}: there are ${CLIENTS.join(', ')}`)

/** Runs a client; what it passed and failed. One that ends otherwise than its checks say has failed. */
function client(name) {
  const script = path.join(import.meta.dirname, 'clients', `${name}.mjs`)
  // A group of its own: what it started ends with it.
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const counted = { passed: 0, failed: 0 }
  const fail = (why) => {
    counted.failed += 1
    console.log(`FAIL ${name}: ${why}`)
  }
  let told
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    if (line.startsWith(`ok ${name}: `)) counted.passed += 1
    if (line.startsWith(`FAIL ${name}: `)) counted.failed += 1
    told = /^\w+: (\d+) passed, (\d+) failed$/.exec(line) ?? told
    console.log(line)
  })
  const timer = setTimeout(() => {
    fail(`it did not end within ${LIMIT / 1000} s`)
    process.kill(-child.pid, 'SIGKILL')
  }, LIMIT)
  return new Promise((done) => {
    child.on('error', (error) => fail(error.message))
    child.on('close', (code) => {
      clearTimeout(timer)
      const said = told && Number(told[1]) === counted.passed && Number(told[2]) === counted.failed
      if (!said || counted.passed + counted.failed === 0) fail('it did not come to its end')
      else if (code !== 0 && counted.failed === 0) fail(`it ended with ${code}`)
      done(counted)
    })
  })
}

const started = Date.now()
// Once, before all of them need it.
contracts()
const queue = wanted.length ? [...wanted] : [...CLIENTS]
const count = queue.length
const results = []
const worker = async () => {
  for (let name = queue.shift(); name; name = queue.shift()) results.push(await client(name))
}
await Promise.all(Array.from({ length: Math.min(os.availableParallelism(), 4) }, worker))
const sum = (key) => results.reduce((total, each) => total + each[key], 0)
console.log(`# ${count} clients, ${everywhere} of ${nodes.join(', ')}, ${((Date.now() - started) / 1000).toFixed(1)} s`)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 && sum('passed') > 0 && results.length === count ? 0 : 1
