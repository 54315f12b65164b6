// Where npm put foundry's binaries. They are called straight: the launcher that the npm packages bring ends with 0
// whatever the tool's exit code was (1.7.1), so no test behind it could ever fail.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch]

/** The path of `forge`, `anvil` or `cast` for this machine. */
export const binary = (tool) =>
  require.resolve(
    `@foundry-rs/${tool}-${process.platform}-${arch}/bin/${tool}${process.platform === 'win32' ? '.exe' : ''}`,
  )

/** Runs a tool to its end: what it printed, and its exit code. After `limit` ms it is stopped, which is a failure. */
export function run(command, args, { env = {}, limit = 60_000, cwd = import.meta.dirname } = {}) {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limit,
      killSignal: 'SIGKILL',
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (text) => (stdout += text))
    child.stderr.on('data', (text) => (stderr += text))
    child.on('error', fail)
    child.on('close', (code, signal) => {
      if (signal) fail(new Error(`${args[0]} was ended by ${signal} (limit ${limit} ms): ${stdout}${stderr}`))
      else done({ code, stdout, stderr })
    })
  })
}
