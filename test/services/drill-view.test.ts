import { expect } from "chai";
import { drillView } from "../../src/services/drill-view.js";

describe("a drill as a message", () => {
  it("tells milliseconds to the microsecond, and no digit that means nothing", () => {
    const drill = drillView({
      drill_id: "drill_0123456789ab",
      session_id: "s1",
      halt_id: "halt_0123456789ab",
      outcome: "confirmed",
      elapsed_ms: { requested: 6.727362000005087, delivered: 7.1837780000059865, confirmed: 97 },
      failure: null,
      entry_id: "ve_1",
    });
    expect(drill).to.include({ requestedMs: 6.727, deliveredMs: 7.184, confirmedMs: 97 });
    expect(drill.acknowledgedMs).to.equal(undefined);
  });
});
