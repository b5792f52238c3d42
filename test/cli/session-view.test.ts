import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  BudgetsSchema,
  ConsumedSchema,
  OnExceeded,
  OnLeaseLost,
  ReservedSchema,
  type SessionStatus,
} from "../../gen/killcord/v1/session_pb.js";
import { showActions } from "../../src/cli/budget-view.js";
import { sessionCard, sessionTable, showStatus, stopLine, watchLine } from "../../src/cli/session-view.js";
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

/** The same run with every budget. */
function budgeted() {
  return {
    ...activeSession(),
    budgets: create(BudgetsSchema, {
      maxActions: 200n,
      maxTokens: 2000n,
      maxCostUsd: "5",
      ttlSeconds: 3600n,
      onExceeded: OnExceeded.PAUSE,
      maxDepth: 2,
      maxConcurrent: 10,
      warnAtPercent: [50, 80],
    }),
    consumed: create(ConsumedSchema, {
      actions: 17n,
      tokens: 610n,
      costUsdMicros: 4_000_000n,
      elapsedSeconds: 41n,
    }),
    reserved: create(ReservedSchema, { tokens: 390n, costUsdMicros: 500_000n }),
    overrun: create(ReservedSchema, { costUsdMicros: 1n }),
  };
}

describe("a session's budgets", () => {
  it("are on its card with what is held, what is left and what is over", () => {
    const card = sessionCard(budgeted());
    expect(card).to.match(/^actions +█░{9} 17\/200, 183 left$/m);
    expect(card).to.match(/^tokens +█{4}▒░{5} 610\+390\/2000, 1000 left$/m);
    expect(card).to.match(/^cost +█{8}▒░ \$4\.00\+\$0\.50\/\$5\.00, \$0\.499999 left, \$0\.000001 over$/m);
    expect(card).to.match(/^ttl +1h 00m, 59m 19s left$/m);
    expect(card).to.match(/^on exceeded +pause$/m);
    expect(card).to.match(/^warns at +50%, 80%$/m);
    expect(card).to.match(/^max depth +2$/m);
    expect(card).to.match(/^max concurrent +10$/m);
  });
  it("have columns in a list where a session has any, and stand on the line of a watch", () => {
    const [head, row, plain] = sessionTable([budgeted(), activeSession()]).split("\n");
    expect(head).to.match(/ACTIONS +TOKENS +COST +AGE/);
    expect(row).to.include("██▒░░ 610+390/2000  ████░ $4.00+$0.50/$5.00");
    expect(plain).not.to.include("$");
    expect(sessionTable([activeSession()])).not.to.match(/TOKENS|COST/);
    expect(watchLine(budgeted(), new Date())).to.match(
      /17\/200 {2}██▒░░ 610\+390\/2000 tokens {2}████░ \$4\.00\+\$0\.50\/\$5\.00$/,
    );
    expect(stopLine(budgeted())).to.equal("active after 17 actions, 610 tokens, $4.00 in 41s");
  });
  it("are not named where a session has none of them", () => {
    expect(sessionCard(activeSession())).not.to.match(/tokens|cost|exceeded|warns|depth|concurrent/);
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
