import { create, type DescMessage, fromJson, getOption, type JsonValue } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { expect } from "chai";
import { http } from "../../gen/google/api/annotations_pb.js";
import {
  EnforcementService,
  type InterceptBatchRequest,
  InterceptBatchResponseSchema,
  type InterceptRequest,
  Verdict,
} from "../../gen/killcord/v1/enforcement_pb.js";
import {
  BudgetsSchema,
  type ListSessionsRequest,
  OnExceeded,
  OnLeaseLost,
  SessionService,
  type StartSessionRequest,
  StartSessionRequestSchema,
} from "../../gen/killcord/v1/session_pb.js";
import { applyIdempotencyKey, nameRule, reshape } from "../../src/rest/compat.js";
import { readRequest } from "../../src/rest/params.js";
import { compileRule } from "../../src/rest/rule.js";
import { writeObject } from "../../src/rest/write.js";
import { KillcordError } from "../../src/services/errors.js";
import { refuseMalformed } from "../../src/services/malformed.js";
import { pageOf } from "../../src/services/page.js";
import { validate } from "../../src/services/validate.js";
import { vector } from "../vectors.js";

interface PagingRow {
  query: string;
  page_size?: number;
  offset?: number;
  token?: string;
  error?: string;
  fields?: string[];
}

const { alias, money, paging } = vector<{
  money: { input: string; text?: string | null; error?: string }[];
  alias: {
    body: JsonValue;
    action_content?: string | null;
    error?: string;
    fields?: string[];
    note?: string;
  }[];
  paging: PagingRow[];
}>("rest/params.json");

const { startSession, listSessions } = SessionService.method;
const { intercept, interceptBatch } = EnforcementService.method;
type Rpc = typeof startSession | typeof listSessions | typeof intercept | typeof interceptBatch;

function read(rpc: Rpc, body: JsonValue | string, query = ""): unknown {
  const [binding] = compileRule(getOption(rpc, http), rpc.input, rpc.output);
  if (binding === undefined) {
    throw new Error("no binding");
  }
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const parts = { values: [], target: `/?${query}`, body: Buffer.from(text) };
  return readRequest(binding, rpc.input, parts, nameRule);
}

/** The code and the fields of what a call refuses with. */
function refusal(call: () => unknown): { code: string; fields: string[] } {
  try {
    call();
  } catch (thrown) {
    if (thrown instanceof KillcordError) {
      return { code: thrown.code, fields: thrown.details.map((one) => one.field) };
    }
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("the name content for action_content", () => {
  for (const { body, action_content, error, fields = [], note } of alias) {
    const title = `${JSON.stringify(body)}${note === undefined ? "" : ` (${note})`}`;
    if (error === undefined) {
      it(`${title} carries ${JSON.stringify(action_content)}`, () => {
        expect((read(intercept, body) as InterceptRequest).actionContent ?? null).to.equal(action_content);
        const batch = read(interceptBatch, { actions: [body] }) as InterceptBatchRequest;
        expect(batch.actions[0]?.actionContent ?? null).to.equal(action_content);
      });
    } else {
      it(`${title} is refused: ${error}`, () => {
        expect(refusal(() => read(intercept, body))).to.deep.equal({ code: error, fields });
        // In a batch the item is refused alone, with its own paths.
        const { actions } = read(interceptBatch, { actions: [{}, body] }) as InterceptBatchRequest;
        expect(refusal(() => actions.map(refuseMalformed))).to.deep.equal({ code: error, fields });
      });
    }
  }
});

describe("paging", () => {
  /** What a list goes by: the transcoder's message, the proto's constraints, the services' page. */
  const page = (query: string) => {
    const request = read(listSessions, "", query) as ListSessionsRequest;
    validate(listSessions.input, request);
    return { request, page: pageOf({ ...request, pageToken: "" }, "sessions") };
  };

  for (const { query, page_size, offset, token = "", error, fields } of paging) {
    if (error === undefined) {
      it(`?${query} is ${page_size} rows ${token === "" ? `after ${offset}` : `after token ${token}`}`, () => {
        const found = page(query);
        expect(found.page).to.include({ size: page_size, skip: offset ?? 0 });
        expect(found.request.pageToken).to.equal(token);
      });
    } else {
      it(`?${query} is refused: ${error} of ${fields?.join(", ")}`, () => {
        const call = () => pageOf(page(query).request, "sessions");
        expect(refusal(call)).to.deep.equal({ code: error, fields });
      });
    }
  }

  it("?page_size=30&per_page=20 is refused whichever comes first", () => {
    for (const query of ["page_size=30&per_page=20", "per_page=20&page_size=30"]) {
      expect(refusal(() => read(listSessions, "", query))).to.deep.equal({
        code: "invalid_argument",
        fields: ["per_page"],
      });
    }
  });
});

describe("money in a body", () => {
  for (const { input, text, error } of money) {
    it(`${input} is ${error ?? (text === null ? "no limit" : text)}, as a limit and as a cost`, () => {
      const start = () => read(startSession, `{"budgets":{"max_cost_usd":${input}}}`) as StartSessionRequest;
      const ask = () =>
        read(intercept, `{"action_type":"a","cost":{"cost_usd":${input}}}`) as InterceptRequest;
      if (error === undefined) {
        expect(start().budgets?.maxCostUsd ?? null).to.equal(text);
        expect(ask().cost?.costUsd ?? null).to.equal(text);
      } else {
        expect(refusal(start)).to.deep.equal({ code: error, fields: ["budgets.max_cost_usd"] });
        expect(refusal(ask)).to.deep.equal({ code: error, fields: ["cost.cost_usd"] });
      }
    });
  }
});

describe("fields that this version does not know", () => {
  it("are ignored on start, on intercept and in the items of a batch", () => {
    const start = read(startSession, { agent_id: "a", nope: 1, timestamp: null }) as StartSessionRequest;
    expect(start.agentId).to.equal("a");
    const one = read(intercept, { action_type: "a", timestamp: "now", session_id: null }) as InterceptRequest;
    expect(one).to.include({ actionType: "a" }).and.not.have.property("sessionId");
    const batch = read(interceptBatch, { actions: [{ action_type: "a", x: 1 }] }) as InterceptBatchRequest;
    expect(batch.actions[0]?.actionType).to.equal("a");
  });

  it("are refused in a batch beside its items, and in budgets", () => {
    expect(refusal(() => read(interceptBatch, { actions: [], nope: 1 }))).to.deep.equal({
      code: "unknown_field",
      fields: ["nope"],
    });
    expect(refusal(() => read(startSession, { budgets: { max_action: 1 } }))).to.deep.equal({
      code: "unknown_field",
      fields: ["budgets.max_action"],
    });
  });

  it("are no limit when they are documented limits given as null", () => {
    const budgets = { max_actions: 5, ttl_seconds: null, max_tokens: null, max_cost_usd: null };
    const start = read(startSession, {
      budgets,
      lease_seconds: null,
      on_lease_lost: null,
    }) as StartSessionRequest;
    expect(start.budgets?.maxActions).to.equal(5n);
    expect(start.budgets?.ttlSeconds).to.equal(undefined);
  });

  it("make a lease of two names and three words", () => {
    const words = { kill: OnLeaseLost.KILL, pause: OnLeaseLost.PAUSE, continue: OnLeaseLost.CONTINUE };
    for (const [word, on_lease_lost] of Object.entries(words)) {
      for (const names of [
        { lease_seconds: 30, on_lease_lost: word },
        { leaseSeconds: "30", onLeaseLost: word },
      ]) {
        const start = read(startSession, names) as StartSessionRequest;
        expect(start).to.include({ leaseSeconds: 30, onLeaseLost: on_lease_lost });
      }
    }
    for (const wrong of [{ lease_seconds: 2.5 }, { lease_seconds: "long" }, { on_lease_lost: "stop" }]) {
      expect(refusal(() => read(startSession, wrong))).to.include({ code: "invalid_argument" });
    }
  });

  it("make an ending of two words", () => {
    const words = { terminate: OnExceeded.TERMINATE, pause: OnExceeded.PAUSE };
    for (const [on_exceeded, code] of Object.entries(words)) {
      const start = read(startSession, { budgets: { on_exceeded } }) as StartSessionRequest;
      expect(start.budgets?.onExceeded).to.equal(code);
    }
    expect(refusal(() => read(startSession, { budgets: { on_exceeded: "stop" } }))).to.deep.equal({
      code: "invalid_argument",
      fields: ["budgets.on_exceeded"],
    });
  });
});

describe("Idempotency-Key", () => {
  const apply = (header: string | null, field?: string) => {
    const request = create(StartSessionRequestSchema, field === undefined ? {} : { idempotencyKey: field });
    applyIdempotencyKey(StartSessionRequestSchema, request, header);
    return request.idempotencyKey;
  };

  it("becomes the field of that name", () => {
    expect(apply("k-1")).to.equal("k-1");
    expect(apply("~".repeat(255))).to.have.length(255);
    expect(apply(null, "k-2")).to.equal("k-2");
    expect(apply("k-3", "k-3")).to.equal("k-3");
    expect(apply(null)).to.equal(undefined);
  });

  it("is refused when it is empty, too long, not printable, or not what the body says", () => {
    for (const header of ["", "a b", "é", "a\tb", "~".repeat(256)]) {
      expect(refusal(() => apply(header)).code).to.equal("invalid_idempotency_key");
    }
    expect(refusal(() => apply("a", "b")).code).to.equal("invalid_idempotency_key");
  });

  it("means nothing on a route without the field", () => {
    const request = create(listSessions.input, {});
    applyIdempotencyKey(listSessions.input, request, "not a key at all");
    expect(request).to.deep.equal(create(listSessions.input, {}));
  });
});

describe("replies in another form", () => {
  const write = (desc: DescMessage, json: JsonValue) =>
    writeObject(reflect(desc, fromJson(desc, json) as never, false), reshape);

  it("budgets tell on_exceeded only if an amount is limited", () => {
    expect(write(BudgetsSchema, { ttl_seconds: 60, on_exceeded: "ON_EXCEEDED_TERMINATE" })).to.deep.equal({
      ttl_seconds: 60,
    });
    expect(JSON.stringify(write(BudgetsSchema, { max_actions: 0, ttl_seconds: 60 }))).to.equal(
      '{"max_actions":0,"ttl_seconds":60,"on_exceeded":"terminate"}',
    );
  });

  it("each result of a batch is a whole reply", () => {
    const message = create(InterceptBatchResponseSchema, {
      results: [
        { result: { case: "verdict", value: { decision: Verdict.ALLOW, decisionId: "enf_0a0a0a0a0a0a" } } },
        {
          result: {
            case: "error",
            value: { code: "invalid_action_type", message: "action_type is required", requestId: "req_1" },
          },
        },
      ],
      failed: 1,
    });
    const { results, failed } = writeObject(reflect(InterceptBatchResponseSchema, message), reshape);
    const [verdict, error] = results as { ok: boolean }[];
    expect(verdict).to.deep.include({ ok: true, decision: "allow", policies_evaluated: [] });
    expect(Object.keys(verdict ?? {})[0]).to.equal("ok");
    expect(error).to.deep.equal({
      ok: false,
      error: { code: "invalid_action_type", message: "action_type is required", request_id: "req_1" },
    });
    expect(failed).to.equal(1);
  });
});
