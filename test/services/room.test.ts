import { expect } from "chai";
import { Health } from "../../gen/grpc/health/v1/health_pb.js";
import { EnforcementService } from "../../gen/killcord/v1/enforcement_pb.js";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { Room } from "../../src/services/room.js";

const { intercept } = EnforcementService.method;
const { acknowledgeHalt, endSession, killSession } = SessionService.method;

function codeOf(act: () => void): string | null {
  try {
    act();
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe("services: the room for messages", () => {
  const open = () => new Room({ bodies_bytes: 100, bodies_bytes_kept: 20, bodies_bytes_acknowledging: 10 });

  it("is shared by all calls, and a refusal takes nothing", () => {
    const room = open();
    room.enter(intercept).take(50);
    const second = room.enter(intercept);
    expect(codeOf(() => second.take(21))).to.equal("overloaded");
    expect(room.taken).to.equal(50);
    second.take(20);
    expect(room.taken).to.equal(70);
  });

  for (const [who, method] of [
    ["an agent", intercept],
    ["who has no key", Health.method.check],
  ] as const) {
    it(`has a part that nothing which ${who} may call uses up`, () => {
      const room = open();
      room.enter(method).take(70);
      expect(codeOf(() => room.enter(method).take(1))).to.equal("overloaded");
      room.enter(acknowledgeHalt).take(10);
      expect(codeOf(() => room.enter(acknowledgeHalt).take(1))).to.equal("overloaded");
      room.enter(killSession).take(20);
      expect(codeOf(() => room.enter(killSession).take(1))).to.equal("overloaded");
    });
  }

  for (const [who, method, most] of [
    ["an agent may call", intercept, 7],
    ["an agent may call to end its session", endSession, 7],
    ["an agent may call to acknowledge its stop", acknowledgeHalt, 8],
    ["anybody may call without a key", Health.method.check, 3],
  ] as const) {
    it(`takes only so many calls of what ${who}, and still those that stop`, () => {
      const room = new Room({ calls: 10, calls_kept: 2, calls_acknowledging: 1, calls_keyless: 3 });
      const shares = Array.from({ length: most }, () => room.enter(method));
      expect(codeOf(() => room.enter(method))).to.equal("overloaded");
      expect(room.calls).to.equal(most);
      if (most === 7) {
        room.enter(acknowledgeHalt).leave();
      }
      const stop = room.enter(killSession);
      stop.leave();
      stop.leave();
      shares[0]?.leave();
      shares[0]?.leave();
      room.enter(method);
      expect(codeOf(() => room.enter(method))).to.equal("overloaded");
    });
  }

  it("takes no call above all of them", () => {
    const room = new Room({ calls: 2, calls_kept: 1, calls_acknowledging: 0, calls_keyless: 1 });
    room.enter(killSession);
    room.enter(killSession);
    expect(codeOf(() => room.enter(killSession))).to.equal("overloaded");
  });

  it("gets everything back when a call is over, once", () => {
    const room = open();
    const share = room.enter(intercept);
    share.take(30);
    share.give(10);
    share.leave();
    share.leave();
    share.give(10);
    share.take(10);
    expect(room.taken).to.equal(0);
  });

  it("gets what outlasts a call back when that is done", () => {
    const room = open();
    const share = room.enter(intercept);
    const give = share.hold(40);
    share.leave();
    expect(room.taken).to.equal(40);
    expect(codeOf(() => share.hold(41))).to.equal("overloaded");
    give();
    expect(room.taken).to.equal(0);
  });
});
