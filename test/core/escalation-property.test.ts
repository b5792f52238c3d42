/** Escalations under any interleaving of asking, answering, repeating, stops, holds, time and restarts. */
import { expect } from "chai";
import fc from "fast-check";
import { system_actor } from "../../src/core/actor.js";
import { audit } from "./audit.js";
import { run, escalation_step as step } from "./escalation-steps.js";
import { Workspace } from "./workspace.js";

describe("escalations under any interleaving", () => {
  it("are allowed exactly when they were approved, as they were asked, fresh, unused, and their session runs", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        expect(audit(run(steps))).to.deep.equal([]);
      }),
      { numRuns: 400 },
    );
  });

  it("the log cut anywhere, once it is finished, is what a verifier demands", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40, size: "max" }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, place) => {
          const whole = run(steps);
          const workspace = new Workspace(false);
          for (const event of whole.slice(1, 1 + Math.ceil(place * whole.length))) {
            workspace.apply(event);
          }
          workspace.now = workspace.state.at;
          workspace.submit({ type: "finish_cascades", actor: system_actor });
          expect(audit(workspace.log)).to.deep.equal([]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
