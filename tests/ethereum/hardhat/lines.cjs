// A line a check, as the other clients print them; a test that is left out counts as failed.
const { Runner, reporters } = require('mocha')

module.exports = class Lines extends reporters.Base {
  constructor(runner, options) {
    super(runner, options)
    const said = (error) => `${error?.message ?? error}`.replace(/\s+/g, ' ').slice(0, 600)
    let [passed, failed] = [0, 0]
    const fail = (title, why) => {
      failed += 1
      console.log(`FAIL hardhat: ${title}: ${why}`)
    }
    runner.on(Runner.constants.EVENT_TEST_PASS, (test) => {
      passed += 1
      console.log(`ok hardhat: ${test.fullTitle()}`)
    })
    runner.on(Runner.constants.EVENT_TEST_FAIL, (test, error) => fail(test.fullTitle(), said(error)))
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => fail(test.fullTitle(), 'it was left out'))
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      const seconds = runner.stats ? `${(runner.stats.duration / 1000).toFixed(1)} s` : 'no time'
      console.log(`# hardhat: ${seconds}`)
      console.log(`hardhat: ${passed} passed, ${failed} failed`)
    })
  }
}
