#!/usr/bin/env node
// Breaks the contracts on purpose, one line at a time, and expects the tests to notice. Works on a copy.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { binary } from './foundry.mjs'

const root = path.resolve(import.meta.dirname, '..')
/** [file, what stands there (once), what shall stand there] */
const MUTANTS = [
  ['Staking', 'if (block.number > 1) revert GenesisTooLate();', ''],
  ['Staking', 'if (msg.value < rules.minStake) revert', 'if (msg.value + 1 < rules.minStake) revert'],
  ['Staking', 'if (owner != address(0) && owner != operator) revert KeyTaken(owner);', ''],
  ['Staking', 'if (state == State.Active && _staying == 1) revert LastValidator();', ''],
  ['Staking', 'if (state == State.Active && _staying == 1) {', 'if (false) {'],
  ['Staking', 'if (!_released(record)) revert StillBonded', 'if (false) revert StillBonded'],
  ['Staking', 'block.number >= record.releaseBlock && block.timestamp', 'block.timestamp'],
  ['Staking', 'if (record.member) revert StillInSet();', ''],
  ['Staking', '        record.stake = 0;\n', ''],
  ['Staking', 'if (state == State.Leaving) totalUnbonding -= burned;', 'if (state != State.Leaving) totalUnbonding -= 0;'],
  ['Staking', 'slashedAt[operator][height] = true;', ''],
  ['Staking', 'if (state == State.Leaving && _released(record)) revert Released();', ''],
  ['Staking', 'if (block.timestamp < record.jailedUntil) revert InJail(record.jailedUntil);\n        if (msg.value', 'if (msg.value'],
  // Not the line `if (schedule.base >= last) return;`: without it all is right still, and only costs more gas.
  ['Staking', 'if (schedule.distance != 0) {', 'if (false) {'],
  ['Staking', 'uint64 last = uint64(block.number - 1);', 'uint64 last = uint64(block.number);'],
  ['Staking', 'schedule.distance += PowerSchedule.gap(power, to);', ''],
  ['Staking', 'if (from == 0 && power == 0) _remove(operator);', ''],
  ['Staking', '_members[i - 1] > operator', 'false'],
  ['Staking', 'if (power == 0) continue;', ''],
  ['Staking', '&& _reservedFor != operator ? 1 : 0', '&& false ? 1 : 0'],
  ['Staking', 'if (burned != 0) _send(address(0), burned);', ''],
  ['PowerSchedule', 'uint256 internal constant CHURN_NUMERATOR = 3;', 'uint256 internal constant CHURN_NUMERATOR = 4;'],
  ['PowerSchedule', 'if (height <= schedule.base) return 0;', 'if (height <= schedule.base) return ONE;'],
  ['PowerSchedule', 'powerAt(schedule.sumFrom, schedule.sumTo, done)', 'schedule.sumFrom'],
  ['NamingRegistry', 'block.chainid, address(this), label, owner,', 'block.chainid, address(this), label,'],
  ['NamingRegistry', 'block.timestamp < from || block.number == made.blockNumber', 'block.timestamp < from'],
  ['NamingRegistry', 'if (block.timestamp > until) revert TooLate(until);', ''],
  ['NamingRegistry', 'delete commitments[commitment];', ''],
  ['NamingRegistry', 'if (!available(label)) revert Taken(label);', ''],
  ['NamingRegistry', 'if (auth != address(0) && !_live(id)) revert Expired(id);', ''],
  ['NamingRegistry', 'emit RecordsCleared(id, ++_version[id]);', 'emit RecordsCleared(id, _version[id]);'],
  ['NamingRegistry', 'if (msg.value > cost) _send(msg.sender, msg.value - cost);', ''],
  ['NamingRegistry', 'if (!_isAuthorized(ownerOf(id), msg.sender, id))', 'if (ownerOf(id) == address(0))'],
  ['NameRules', 'name[2] != "-" || name[3] != "-"', 'true'],
  ['NameRules', 'c >= "a" && c <= "z"', 'c >= "A" && c <= "z"'],
  ['Anchors', 'if (first) anchoredAt[hash]', 'anchoredAt[hash]'],
  ['Anchors', 'keccak256(bytes.concat(keccak256(abi.encode(leaf))))', 'leaf'],
  ['Anchors', 'if (anchoredAt[root].blockNumber == 0) return false;', ''],
  ['TokenFactory', 'keccak256(_code(options, creator))', 'keccak256(_code(options, address(0)))'],
  ['TokenFactory', 'return total - offset < limit ? total - offset : limit;', 'return limit;'],
  ['FactoryToken', 'cap != 0 && totalSupply() > cap', 'cap != 0 && totalSupply() > cap + 1'],
  ['FactoryToken', '_spendAllowance(from, msg.sender, amount);', ''],
  ['FactoryToken', 'if (msg.sender != minter) revert OnlyMinter();\n        _mint', '_mint'],
]

const only = process.argv[2]
const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'weft-mutants-'))
let survivors = 0
let tried = 0
try {
  for (const entry of ['src', 'test', 'foundry.toml', 'scripts']) {
    fs.cpSync(path.join(root, entry), path.join(copy, entry), { recursive: true })
  }
  fs.symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  const test = (...more) =>
    spawnSync(binary('forge'), ['test', '--fail-fast', ...more], {
      cwd: copy,
      encoding: 'utf8',
      // Shorter than in `npm test`: what takes a long search to notice should be a unit test as well.
      env: { ...process.env, FOUNDRY_INVARIANT_RUNS: '16', FOUNDRY_FUZZ_RUNS: '64' },
    })
  const whole = test()
  if (whole.status !== 0) throw new Error(`the tests fail without a mutant:\n${whole.stdout}${whole.stderr}`)
  for (const [name, from, to] of MUTANTS) {
    if (only && !name.includes(only)) continue
    const file = path.join(copy, 'src', `${name}.sol`)
    const source = fs.readFileSync(path.join(root, 'src', `${name}.sol`), 'utf8')
    if (source.split(from).length !== 2) throw new Error(`${name}: not there once: ${from}`)
    fs.writeFileSync(file, source.replace(from, () => to))
    // Left-over variables are no reason for a mutant to die.
    const run = test('--deny', 'never')
    fs.writeFileSync(file, source)
    const broken = /Compiler run failed/.test(run.stdout + run.stderr)
    if (broken) throw new Error(`${name}: does not compile: ${to}\n${run.stdout}${run.stderr}`)
    if (run.status !== 0 && !run.stdout.includes('[FAIL')) throw new Error(`${name}: ${run.stdout}${run.stderr}`)
    const why = /\[FAIL: ([^\]\n]{0,60})[^\n]*\] (\w+)/.exec(run.stdout)
    tried += 1
    if (run.status === 0) survivors += 1
    console.log(`${run.status === 0 ? 'SURVIVED' : 'killed  '} ${name}: ${from.trim().split('\n')[0]} ${why ? `— ${why[2]}` : ''}`)
  }
} finally {
  fs.rmSync(copy, { recursive: true, force: true })
}
console.log(`${tried} mutants, ${survivors} survived`)
process.exitCode = survivors ? 1 : 0
