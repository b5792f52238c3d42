import { expect } from "chai";
import type { Actor } from "../../src/core/actor.js";
import type { EnforcementDecision } from "../../src/core/event.js";
import type { Amounts } from "../../src/core/event-parts.js";
import { toContent } from "../../src/engine/content.js";
import { canonical } from "../../src/vault/canonical.js";
import { intercept, start } from "./asking.js";
import { audit } from "./audit.js";
import { Workspace } from "./workspace.js";

const most = Number.MAX_SAFE_INTEGER;
const tokens = (count: number): Amounts => ({ tokens: count, cost_usd_micros: 0 });

describe("amounts as large as can be", () => {
  let workspace: Workspace;
  let root: Actor;

  beforeEach(() => {
    workspace = new Workspace();
    root = workspace.bootstrap();
  });

  afterEach(() => {
    for (const event of workspace.log) {
      canonical(toContent(event, "0".repeat(32)));
    }
    expect(audit(workspace.log)).to.deep.equal([]);
  });

  function ask(session_id: string, more: Parameters<typeof intercept>[2]): EnforcementDecision {
    return workspace.submit(intercept(root, session_id, more)).events.at(-1) as EnforcementDecision;
  }

  const budget = (session_id: string) => workspace.state.sessions.get(session_id)?.tokens;

  it("are charged up to 2^53-1 where there is no limit, and blocked beyond, and nothing is stopped", () => {
    workspace.submit(start(root, "s1"));
    expect(ask("s1", { cost: tokens(most) }).decision).to.equal("allow");
    const beyond = ask("s1", { cost: tokens(1) });
    expect([beyond.decision, beyond.reasoning]).to.deep.equal([
      "block",
      "tokens beyond 9007199254740991 are not counted",
    ]);
    expect(ask("s1", { estimate: tokens(1) }).decision).to.equal("block");
    expect(ask("s1", { cost: { tokens: 0, cost_usd_micros: most } }).decision).to.equal("allow");
    expect(ask("s1", {}).decision).to.equal("allow");
    expect(budget("s1")).to.include({ spent: most, reserved: 0 });
  });

  it("exceed a limit of 2^53-1, and do not wrap around", () => {
    workspace.submit(start(root, "s1", { max_tokens: most }));
    expect(ask("s1", { cost: tokens(most) }).decision).to.equal("allow");
    expect(ask("s1", { cost: tokens(most) }).decision).to.equal("terminate");
    expect(workspace.log.find(({ event }) => event === "budget_exceeded")).to.include({
      limit: most,
      spent: most,
      requested: most,
    });
  });

  it("may be reported again and again: an overrun stays at 2^53-1, and the next action exceeds", () => {
    workspace.submit(start(root, "above", { max_tokens: 10 }));
    workspace.submit(start(root, "s1", { parent_session_id: "above" }));
    const decided = [1, 2, 3].map((count) => ask("s1", { estimate: tokens(count) }).decision_id);
    for (const decision_id of decided) {
      workspace.submit({ type: "settle", actor: root, decision_id, reported: tokens(most) });
    }
    expect(budget("above")).to.deep.equal({ limit: 10, spent: 10, reserved: 0, overrun: most });
    expect(budget("s1")).to.deep.equal({ limit: null, spent: 10, reserved: 0, overrun: most });
    expect(ask("s1", {}).decision).to.equal("terminate");
    expect(workspace.log.find(({ event }) => event === "budget_exceeded")).to.include({ requested: most });
  });
});
