// Mocha's spec output, and the totals as JSON in the file that the option `totals` names. Written
// at the very end of a run: a run that died leaves no totals.
const { writeFileSync } = require("node:fs");
const Mocha = require("mocha");

const { reporters, Runner } = Mocha.default ?? Mocha;

module.exports = class Totals extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const pending = [];
    runner.on(Runner.constants.EVENT_TEST_PENDING, (test) => pending.push(test.fullTitle()));
    runner.once(Runner.constants.EVENT_RUN_END, () => {
      writeFileSync(
        options.reporterOption.totals,
        JSON.stringify({
          passed: this.stats.passes,
          failed: this.failures.map((test) => test.fullTitle()),
          skipped: pending,
        }),
      );
    });
  }
};
