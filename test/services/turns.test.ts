import { expect } from "chai";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../../src/limits.js";
import { Room } from "../../src/services/room.js";
import { Turns } from "../../src/services/turns.js";

describe("services: turns of the event loop", () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it("begin so much each, first come first served, and lose nothing", async () => {
    const turns = new Turns(3);
    const begun: number[] = [];
    const begin = async (i: number) => {
      await turns.take();
      begun.push(i);
    };
    const all = Array.from({ length: 10 }, (_, i) => begin(i));
    await turn();
    const counts: number[] = [];
    while (begun.length < 10) {
      counts.push(begun.length);
      await turn();
    }
    await Promise.all(all);
    expect(begun).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // Three at once, and no turn after it began more than three.
    expect(counts.every((count, i) => count <= 3 * (i + 2))).to.equal(true);
    expect(turns.waiting).to.equal(0);
  });

  it("do not make anything wait when little is asked for", async () => {
    const turns = new Turns(3);
    for (let i = 0; i < 5; i++) {
      expect([turns.take(), turns.take(), turns.take()]).to.deep.equal([null, null, null]);
      await turn();
      await turn();
    }
  });

  it("are not for what agents cannot call; and acknowledging has its own", () => {
    const room = new Room();
    const intercept = room.enter(EnforcementService.method.intercept);
    const begun = Array.from({ length: limits.agent_work_per_turn }, () => intercept.turn());
    expect(begun.every((waits) => waits === null)).to.equal(true);
    expect(intercept.turn()).not.to.equal(null);
    expect(room.enter(SessionService.method.endSession).turn()).not.to.equal(null);
    expect(room.enter(SessionService.method.acknowledgeHalt).turn()).to.equal(null);
    const kill = room.enter(SessionService.method.killSession);
    expect(Array.from({ length: 1000 }, () => kill.turn()).every((waits) => waits === null)).to.equal(true);
  });
});
