#!/usr/bin/env node
// forge with its own exit code: `node scripts/forge.mjs test …`.
import { spawnSync } from 'node:child_process'
import { binary } from './foundry.mjs'

const run = spawnSync(binary('forge'), process.argv.slice(2), { stdio: 'inherit' })
if (run.error) throw run.error
process.exitCode = run.status ?? 1
