/** Every cause of a verdict, over every way of asking: each says why, by which policies, what is left and what to do. */
import { fromJson, toJson } from "@bufbuild/protobuf";
import { expect } from "chai";
import {
  EnforcementService,
  InterceptRequestSchema,
  InterceptResponseSchema,
} from "../../gen/killcord/v1/enforcement_pb.js";
import { type GrpcClient, openGrpcClient } from "../rpc/grpc-client.js";
import { curl, type Served, serve } from "./served.js";
import { Talk } from "./talk.js";

type Body = Record<string, unknown>;

/** A verdict as JSON has it, whichever way it came. */
interface Told {
  readonly decision: string;
  readonly reasoning: string;
  readonly policies_evaluated?: readonly string[];
  readonly policies_triggered?: readonly (Body & { readonly name: string })[];
  readonly policies_shadowed?: readonly (Body & { readonly name: string })[];
  readonly warnings?: readonly Body[];
  readonly budget_left?: Body;
  readonly next_step: string;
  readonly escalation_id?: string;
}

interface Cause {
  readonly decision: string;
  /** The first policy that had a say, by name; null where none had. */
  readonly by: string | null;
  readonly reasoning: RegExp;
  readonly next: RegExp;
  /** Members of budget_left that must be told so; null without a session. */
  readonly left: Body | null;
  /** Whether policies were asked. */
  readonly is_asked: boolean;
  /** Brings it about, and answers the action that is to be asked for. */
  readonly arrange: () => Promise<Body>;
}

describe("every verdict explains itself", () => {
  let server: Served;
  let client: GrpcClient;
  let policy_ids: readonly string[];
  let liars = 0;

  before(async () => {
    server = await serve();
    client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
    const made = [
      { name: "no wiping", decision: "block", action_types: ["wipe"] },
      { name: "purges end it", decision: "terminate", action_types: ["purge"] },
      {
        name: "look twice",
        decision: "allow",
        action_types: ["mail"],
        conditions: { warning: "Mind the list." },
      },
      { name: "payments wait", decision: "escalate", action_types: ["pay"] },
      { name: "tried", decision: "block", action_types: ["try"], mode: "shadow" },
    ];
    for (const policy of made) {
      const reply = await post("/v1/enforce/policies", { policy_type: "action_type", ...policy });
      expect(reply.ok, JSON.stringify(reply)).to.equal(true);
    }
    const { policies } = await curl(server, "/v1/enforce/policies", server.admin_key);
    policy_ids = policies.map(({ policy_id }: { policy_id: string }) => policy_id);
  });
  after(async () => {
    client.close();
    await server.end();
  });

  const post = (path: string, body: Body) => curl(server, path, server.admin_key, body);
  const start = async (more: Body = {}): Promise<string> =>
    (await post("/v1/enforce/sessions/start", { agent_id: "loan-bot", ...more })).session_id;
  const rest = (body: Body): Promise<Told> => post("/v1/enforce/intercept", body);
  const budgets = { max_actions: 5, max_tokens: 100, max_cost_usd: "1", ttl_seconds: 3600 };

  const ways: Readonly<Record<string, (body: Body) => Promise<Told>>> = {
    REST: rest,
    gRPC: async (body) => {
      const request = fromJson(InterceptRequestSchema, body as never);
      const { message, status } = await client.unary(EnforcementService.method.intercept, request);
      expect(status.code, status.details).to.equal(0);
      return asJson(message as never);
    },
    "a stream": async (body) => {
      const { session_id, ...action } = body;
      const talk = new Talk(client);
      talk.open(session_id as string, { policiesEvaluated: true });
      talk.say({
        case: "intercept",
        value: { ref: 1, action: fromJson(InterceptRequestSchema, action as never) },
      });
      const { verdict } = await talk.until("verdict");
      talk.cut();
      return asJson(verdict as never);
    },
  };

  const causes: Readonly<Record<string, Cause>> = {
    "nothing objects": {
      decision: "allow",
      by: null,
      reasoning: /^No policies triggered$/,
      next: /^Do the action\.$/,
      left: { actions: 4, tokens: 90, cost_usd_micros: 1_000_000 },
      is_asked: true,
      arrange: async () => ({
        session_id: await start({ budgets }),
        action_type: "mail.read",
        cost: { tokens: 10 },
      }),
    },
    "nothing objects, and an estimate is held": {
      decision: "allow",
      by: null,
      reasoning: /^No policies triggered$/,
      next: /settle this decision/,
      left: { actions: 4, tokens: 100, cost_usd_micros: 750_000 },
      is_asked: true,
      arrange: async () => ({
        session_id: await start({ budgets }),
        action_type: "look",
        estimate: { cost_usd: "0.25" },
      }),
    },
    "a policy allows with a warning": {
      decision: "allow",
      by: "look twice",
      reasoning: /^policy "look twice" allows this/,
      next: /^Do the action\.$/,
      left: { actions: 4 },
      is_asked: true,
      arrange: async () => ({ session_id: await start({ budgets }), action_type: "mail" }),
    },
    "a policy in shadow mode would have refused": {
      decision: "allow",
      by: null,
      reasoning: /^No policies triggered$/,
      next: /^Do the action\.$/,
      left: { actions: 4 },
      is_asked: true,
      arrange: async () => ({ session_id: await start({ budgets }), action_type: "try" }),
    },
    "a policy blocks": {
      decision: "block",
      by: "no wiping",
      reasoning: /^policy "no wiping" blocks this/,
      next: /^Do not do the action: go on without it/,
      left: { actions: 4, tokens: 100, cost_usd_micros: 1_000_000 },
      is_asked: true,
      arrange: async () => ({
        session_id: await start({ budgets }),
        action_type: "wipe",
        cost: { tokens: 10 },
      }),
    },
    "a policy terminates": {
      decision: "terminate",
      by: "purges end it",
      reasoning: /^policy "purges end it" terminates this/,
      next: /^Stop the run/,
      left: { actions: 5 },
      is_asked: true,
      arrange: async () => ({ session_id: await start({ budgets }), action_type: "purge" }),
    },
    "a policy escalates": {
      decision: "escalate",
      by: "payments wait",
      reasoning: /^policy "payments wait" escalates this/,
      next: /until a person has approved it/,
      left: { actions: 4 },
      is_asked: true,
      arrange: async () => ({ session_id: await start({ budgets }), action_type: "pay" }),
    },
    "its escalation waits for a person still": {
      decision: "block",
      by: "escalation pending",
      reasoning: /waits for a person/,
      next: /watch the escalation/,
      left: { actions: 3 },
      is_asked: false,
      arrange: async () => {
        const session_id = await start({ budgets });
        const { escalation_id } = await post("/v1/enforce/intercept", { session_id, action_type: "pay" });
        return { session_id, action_type: "pay", escalation_id };
      },
    },
    "a person has approved it": {
      decision: "allow",
      by: "payments wait",
      reasoning: /was approved by/,
      next: /^Do the action\.$/,
      left: { actions: 4 },
      is_asked: true,
      arrange: async () => {
        const session_id = await start({ budgets });
        const { escalation_id } = await post("/v1/enforce/intercept", { session_id, action_type: "pay" });
        const { secret } = await post("/v1/keys", { name: "approver", roles: ["approver"] });
        const answer = { resolution: "approved", reason: "seen" };
        const path = `/v1/enforce/escalations/${escalation_id}/resolve`;
        const resolved = await curl(server, path, secret, answer);
        expect(resolved.ok, JSON.stringify(resolved)).to.equal(true);
        return { session_id, action_type: "pay", escalation_id };
      },
    },
    "the escalation that it names is not open": {
      decision: "block",
      by: "escalation not open",
      reasoning: /is not open/,
      next: /without escalation_id/,
      left: { actions: 4 },
      is_asked: false,
      arrange: async () => ({
        session_id: await start({ budgets }),
        action_type: "pay",
        escalation_id: "esc_000000000000",
      }),
    },
    "no action is left": {
      decision: "terminate",
      by: "session terminated",
      reasoning: /max_actions 1/,
      next: /^Stop the run/,
      left: { actions: 0 },
      is_asked: false,
      arrange: async () => {
        const session_id = await start({ budgets: { max_actions: 1 } });
        await rest({ session_id, action_type: "look" });
        return { session_id, action_type: "look" };
      },
    },
    "the cost does not fit": {
      decision: "terminate",
      by: "session terminated",
      reasoning: /max_cost_usd/,
      next: /^Stop the run/,
      left: { cost_usd_micros: 500_000 },
      is_asked: false,
      arrange: async () => {
        const session_id = await start({ budgets: { max_cost_usd: "0.5" } });
        return { session_id, action_type: "look", cost: { cost_usd: "0.500001" } };
      },
    },
    "the cost does not fit, and the budget pauses": {
      decision: "block",
      by: "session paused",
      reasoning: /max_tokens/,
      next: /raises the budget/,
      left: { tokens: 10 },
      is_asked: false,
      arrange: async () => {
        const session_id = await start({ budgets: { max_tokens: 10, on_exceeded: "pause" } });
        return { session_id, action_type: "look", cost: { tokens: 11 } };
      },
    },
    "what is held leaves no room": {
      decision: "block",
      by: "budget reserved",
      reasoning: /./,
      next: /settle or cancel/,
      left: { tokens: 2 },
      is_asked: true,
      arrange: async () => {
        const session_id = await start({ budgets: { max_tokens: 10 } });
        await rest({ session_id, action_type: "look", estimate: { tokens: 8 } });
        return { session_id, action_type: "look", cost: { tokens: 3 } };
      },
    },
    "too many are under way": {
      decision: "block",
      by: "too many at once",
      reasoning: /./,
      next: /settle or cancel/,
      left: {},
      is_asked: true,
      arrange: async () => {
        const session_id = await start({ budgets: { max_concurrent: 1 } });
        await rest({ session_id, action_type: "look", estimate: { tokens: 1 } });
        return { session_id, action_type: "look", estimate: { tokens: 1 } };
      },
    },
    "a person killed the session": {
      decision: "terminate",
      by: "session terminated",
      reasoning: /^enough is enough$/,
      next: /acknowledge halt_id/,
      left: { actions: 5 },
      is_asked: false,
      arrange: async () => {
        const session_id = await start({ budgets });
        await post(`/v1/enforce/sessions/${session_id}/kill`, { reason: "enough is enough" });
        return { session_id, action_type: "look" };
      },
    },
    "its parent's budget is used up": {
      decision: "terminate",
      by: "session terminated",
      reasoning: /max_actions 1/,
      next: /^Stop the run/,
      left: { actions: 0 },
      is_asked: false,
      arrange: async () => {
        const parent_session_id = await start({ budgets: { max_actions: 1 } });
        const session_id = await start({ parent_session_id, budgets });
        await rest({ session_id, action_type: "look" });
        return { session_id, action_type: "look" };
      },
    },
    "its parent was killed": {
      decision: "terminate",
      by: "session terminated",
      reasoning: /^the whole family$/,
      next: /acknowledge halt_id/,
      left: { actions: 5 },
      is_asked: false,
      arrange: async () => {
        const parent_session_id = await start();
        const session_id = await start({ parent_session_id, budgets });
        await post(`/v1/enforce/sessions/${parent_session_id}/kill`, { reason: "the whole family" });
        return { session_id, action_type: "look" };
      },
    },
    "its time is over": {
      decision: "terminate",
      by: "session terminated",
      reasoning: /ttl/,
      next: /^Stop the run/,
      left: { ttl_seconds: 0 },
      is_asked: false,
      arrange: async () => {
        const session_id = await start({ budgets: { ttl_seconds: 1 } });
        for (let status = "active"; status === "active"; ) {
          ({ status } = await curl(server, `/v1/enforce/sessions/${session_id}`, server.admin_key));
        }
        return { session_id, action_type: "look" };
      },
    },
    "its agent was revoked, without a session": {
      decision: "block",
      by: "agent revoked",
      reasoning: /^it lied$/,
      next: /and stop/,
      left: null,
      is_asked: false,
      arrange: async () => {
        // A name that was revoked is never anybody's again.
        liars += 1;
        const agent_id = `liar-${liars}`;
        await post("/v1/enforce/agents", { name: agent_id });
        await post(`/v1/enforce/agents/${agent_id}/revoke`, { reason: "it lied" });
        return { agent_id, action_type: "look" };
      },
    },
    "a person holds the session": {
      decision: "block",
      by: "session paused",
      reasoning: /^lunch$/,
      next: /until an operator resumes/,
      left: { actions: 5 },
      is_asked: false,
      arrange: async () => {
        const session_id = await start({ budgets });
        await post(`/v1/enforce/sessions/${session_id}/pause`, { reason: "lunch" });
        return { session_id, action_type: "look" };
      },
    },
    "a halt stands on its agent, without a session": {
      decision: "block",
      by: "scope halted",
      reasoning: /^no trading$/,
      next: /and stop/,
      left: null,
      is_asked: false,
      arrange: async () => {
        await post("/v1/enforce/halts", { scope: { kind: "agent", id: "night-bot" }, reason: "no trading" });
        return { agent_id: "night-bot", action_type: "look" };
      },
    },
    "a policy blocks, without a session": {
      decision: "block",
      by: "no wiping",
      reasoning: /^policy "no wiping" blocks this/,
      next: /^Do not do the action/,
      left: null,
      is_asked: true,
      arrange: async () => ({ agent_id: "day-bot", action_type: "wipe" }),
    },
  };

  for (const [cause, expected] of Object.entries(causes)) {
    for (const [way, ask] of Object.entries(ways)) {
      if (way === "a stream" && expected.left === null) {
        // A stream is of one session.
        continue;
      }
      it(`where ${cause}, over ${way}`, async () => {
        const told = await ask(await expected.arrange());
        const why = JSON.stringify(told);
        expect(told.decision, why).to.equal(expected.decision);
        expect(told.reasoning, why).to.match(expected.reasoning);
        expect(told.next_step, why).to.match(expected.next);
        expect(told.decision !== "escalate" || /^esc_/.test(told.escalation_id ?? ""), why).to.equal(true);
        expect(told.policies_triggered?.[0]?.name ?? null, why).to.equal(expected.by);
        for (const each of told.policies_triggered ?? []) {
          expect(String(each.policy_id).startsWith("__") || Number(each.version) >= 1, why).to.equal(true);
          expect(each.reason, why).to.not.equal("");
        }
        const evaluated = told.policies_evaluated ?? [];
        expect(
          evaluated.every((id) => policy_ids.includes(id)),
          why,
        ).to.equal(true);
        const policy = told.policies_triggered?.[0]?.policy_id as string | undefined;
        if (policy !== undefined && !policy.startsWith("__")) {
          expect(evaluated, why).to.include(policy);
        }
        if (!expected.is_asked) {
          expect(evaluated, why).to.deep.equal([]);
        }
        if (expected.left === null) {
          expect(told.budget_left ?? null, why).to.equal(null);
        } else {
          expect(told.budget_left, why).to.deep.include(expected.left);
        }
      });
    }
  }

  it("tells a stream which policies were asked only if it wants to know", async () => {
    const told: (readonly string[] | undefined)[] = [];
    for (const policiesEvaluated of [true, false]) {
      const talk = new Talk(client);
      talk.open(await start(), { policiesEvaluated });
      talk.say({ case: "intercept", value: { ref: 1, action: { actionType: "try" } } });
      const { verdict } = await talk.until("verdict");
      talk.cut();
      told.push(asJson(verdict as never).policies_evaluated);
    }
    expect(told[0]).to.be.an("array").that.is.not.empty;
    expect(told[1] ?? []).to.deep.equal([]);
  });

  it("names the policy in shadow mode, and the warning", async () => {
    const session_id = await start();
    const tried = await rest({ session_id, action_type: "try" });
    expect(tried.policies_shadowed?.map(({ name }) => name)).to.deep.equal(["tried"]);
    const mailed = await rest({ session_id, action_type: "mail" });
    expect(mailed.warnings?.map(({ message }) => message)).to.deep.equal(["Mind the list."]);
  });
});

/** As REST writes it: words in lower case, numbers as numbers. */
function asJson(message: never): Told {
  const told = toJson(InterceptResponseSchema, message, { useProtoFieldName: true }) as unknown as Told &
    Body;
  const word = (text: string) => text.replace(/^[A-Z]+_/, "").toLowerCase();
  const left = told.budget_left;
  return {
    ...told,
    decision: word(told.decision),
    ...(left === undefined
      ? {}
      : {
          budget_left: Object.fromEntries(Object.entries(left).map(([name, value]) => [name, Number(value)])),
        }),
  };
}
