// One line a check, and a count at the end. There is no way to skip a check: what cannot run has failed.

/** Fails after `limit` ms, whatever the promise does. */
export function within(limit, what, promise) {
  let timer
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`not within ${limit} ms: ${what}`)), limit)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Asks again and again until the answer is there; fails after `limit` ms with what was missing or went wrong last. */
export async function until(what, ask, limit = 10_000) {
  const end = Date.now() + limit
  for (let pause = 10; ; pause = Math.min(pause * 2, 200)) {
    let last = 'nothing there'
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== null && answer !== false) return answer
    } catch (error) {
      last = brief(error)
    }
    if (Date.now() + pause > end) throw new Error(`not within ${limit} ms: ${what}: ${last}`)
    await new Promise((done) => setTimeout(done, pause))
  }
}

const brief = (error) => `${error?.message ?? error}`.replace(/\s+/g, ' ').slice(0, 600)

/** Keeps a client's checks; `end` says how many there were and ends the process. */
export function checks(client) {
  const started = Date.now()
  let passed = 0
  let failed = 0
  const check = async (name, test, limit = 40_000) => {
    try {
      const found = await within(limit, name, Promise.resolve().then(test))
      passed += 1
      console.log(`ok ${client}: ${name}`)
      return found
    } catch (error) {
      failed += 1
      console.log(`FAIL ${client}: ${name}: ${brief(error)}`)
      return undefined
    }
  }
  const end = () => {
    console.log(`# ${client}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
    console.log(`${client}: ${passed} passed, ${failed} failed`)
    // A client's open socket must not keep a finished suite alive.
    process.exit(failed === 0 && passed > 0 ? 0 : 1)
  }
  process.on('unhandledRejection', (error) => {
    failed += 1
    console.log(`FAIL ${client}: nothing fails unseen: ${brief(error)}`)
  })
  return { check, end }
}
