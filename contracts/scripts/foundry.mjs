// Where npm put foundry's binaries. They are called straight: the launcher that the npm packages bring ends with 0
// whatever the tool's exit code was (1.7.1), so no test behind it could ever fail.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch]

/** The path of `forge`, `anvil` or `cast` for this machine. */
export const binary = (tool) =>
  require.resolve(`@foundry-rs/${tool}-${process.platform}-${arch}/bin/${tool}${process.platform === 'win32' ? '.exe' : ''}`)
