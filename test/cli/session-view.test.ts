import { expect } from "chai";
import { OnLeaseLost, type SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import { sessionCard, sessionTable, showActions, showStatus } from "../../src/cli/session-view.js";
import { activeSession } from "./samples.js";

describe("the bar of an actions budget", () => {
  const bar = (used: number, limit: bigint | undefined) => {
    const session = activeSession(used);
    if (session.budgets !== undefined) {
      if (limit === undefined) delete session.budgets.maxActions;
      else session.budgets.maxActions = limit;
    }
    return showActions(session, 5);
  };

  it("is empty only when nothing is used", () => {
    expect([bar(0, 200n), bar(1, 1_000_000n)]).to.deep.equal(["░░░░░ 0/200", "█░░░░ 1/1000000"]);
  });
  it("is full only when all is used", () => {
    expect([bar(199, 200n), bar(200, 200n)]).to.deep.equal(["████░ 199/200", "█████ 200/200"]);
  });
  it("of a budget of nothing is full", () => {
    expect(bar(0, 0n)).to.equal("█████ 0/0");
  });
  it("holds the largest budget that there is", () => {
    expect(bar(5, 9_007_199_254_740_991n)).to.equal("█░░░░ 5/9007199254740991");
  });
  it("is only a count without a limit", () => {
    expect(bar(17, undefined)).to.equal("17");
  });
});

describe("a session's card", () => {
  it("tells its lease and what becomes of the session without it", () => {
    const leased = { ...activeSession(), leaseSeconds: 90, onLeaseLost: OnLeaseLost.PAUSE };
    expect(sessionCard(leased)).to.match(/lease +1m 30s, then pause/);
    expect(sessionCard({ ...leased, onLeaseLost: 9 as OnLeaseLost })).to.match(
      /lease +1m 30s, then ending 9/,
    );
    expect(sessionCard(activeSession())).not.to.include("lease");
  });
});

describe("a session's row", () => {
  it("stays a row when its label is long", () => {
    const session = { ...activeSession(), label: "x".repeat(256) };
    expect(sessionTable([session]))
      .to.contain(`${"x".repeat(39)}…`)
      .and.not.to.contain("x".repeat(40));
  });
  it("keeps its columns when names are wide", () => {
    const [, narrow, wide] = sessionTable([
      activeSession(),
      { ...activeSession(), label: "融資リスク監視" },
    ]).split("\n");
    // Seven characters of two cells each stand for fourteen, so the line is seven characters shorter.
    expect(wide?.length).to.equal((narrow?.length ?? 0) - 7);
  });
  it("shows a status of a newer server as its number", () => {
    expect(showStatus(17 as SessionStatus)).to.equal("? status 17");
  });
});
