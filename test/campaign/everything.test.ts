import { expect } from "chai";
import { haltAll } from "./everything.js";

describe("killcord halt --all", () => {
  it("on 100 busy streams ends with all confirmed, sealed and verified; 1,000 by npm run halt-all", async () => {
    const sessions = 100;
    const { status, printed, ended, answers, log } = await haltAll(sessions, true);
    expect(status, printed).to.equal(0);
    expect(ended).to.equal(sessions);
    expect(answers).to.be.above(sessions);
    expect(log.stopped.map(({ stop }) => [stop?.status, stop?.stop_reason])).to.deep.equal(
      Array.from({ length: sessions }, () => ["killed", "halted"]),
    );
    expect([log.confirmed, log.unconfirmed]).to.deep.equal([sessions, 0]);
  }).timeout(120_000);
});
