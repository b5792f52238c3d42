/** docs/openapi.json is valid, is what the server serves, and describes what the server answers. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { type Served, serve } from "../server/served.js";
import { type Asked, document, faultsOf, operations, resolve, text } from "./document.js";
import { forbiddenBy, type Schema, sampleOf } from "./sample.js";

/** Operations that must be answered as asked; what is new is asked too, and may be refused. */
const answered: readonly string[] = [
  "CredentialService_RegisterAgent",
  "CredentialService_ListAgents",
  "CredentialService_GetAgent",
  "CredentialService_RevokeAgent",
  "CredentialService_IssueCredential",
  "CredentialService_ListCredentials",
  "CredentialService_RevokeCredential",
  "EnforcementService_Intercept",
  "EnforcementService_InterceptBatch",
  "EnforcementService_GetDecision",
  "EnforcementService_ListDecisions",
  "EnforcementService_GetStats",
  "PolicyService_ListPolicies",
  "PolicyService_CreatePolicy",
  "PolicyService_GetPolicy",
  "PolicyService_UpdatePolicy",
  "PolicyService_DeletePolicy",
  "PolicyService_Evaluate",
  "KeyService_CreateKey",
  "KeyService_ListKeys",
  "KeyService_RevokeKey",
  "SessionService_StartSession",
  "SessionService_ListSessions",
  "SessionService_GetSession",
  "SessionService_Heartbeat",
  "SessionService_KillSession",
  "SessionService_EndSession",
  "VaultService_GetEntry",
  "VaultService_ListEntries",
  "healthz",
  "readyz",
  "openapi",
  "metrics",
];

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

describe("docs/openapi.json", () => {
  let server: Served;
  const well_answered: string[] = [];
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  it("is valid by the schema of OpenAPI 3.1", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? "").to.equal("");
    expect(valid).to.equal(true);
  });

  it("is what the server serves, without a key", async () => {
    const reply = await fetch(`${server.url}/openapi.json`);
    expect(await reply.text()).to.equal(text);
  });

  for (const asked of operations) {
    const { path, method, operation } = asked;
    it(`describes what ${method} ${path} answers`, async () => {
      const known = await makeWorld(server);
      for (const full of [false, true]) {
        for (const mount of operation.security === undefined && path.startsWith("/v1/")
          ? ["", "/api"]
          : [""]) {
          const answer = await ask(server.url + mount, asked, known, full, server.admin_key);
          expectDescribed(asked, answer);
          if (answer.status === 200) {
            well_answered.push(operation.operationId);
          }
        }
      }
      // A refusal is described too.
      if (operation.security === undefined) {
        const refused = await ask(server.url, asked, known, false, "kc_wrong");
        expect(refused.status).to.equal(401);
        expectDescribed(asked, refused);
      }
    });
  }

  for (const asked of operations) {
    it(`forbids what ${asked.method} ${asked.path} refuses`, async () => {
      const known = await makeWorld(server);
      const media = asked.operation.requestBody?.content["application/json"];
      for (const [name, schema] of Object.entries(membersOf(media?.schema))) {
        for (const value of forbiddenBy(schema, resolve)) {
          const body = { ...(sampleOf(media?.schema ?? {}, resolve, known, false) as object), [name]: value };
          const answer = await ask(server.url, asked, known, false, server.admin_key, { body });
          expect(answer.status, `${name}: ${String(value).slice(0, 40)}: ${answer.body}`).to.equal(400);
          expectDescribed(asked, answer);
        }
      }
      for (const { name, in: place, schema } of (asked.operation.parameters ?? []).map(resolve)) {
        for (const value of place === "query" ? forbiddenBy(schema, resolve) : []) {
          const query: Record<string, unknown> = { [name]: value };
          const answer = await ask(server.url, asked, known, false, server.admin_key, { query });
          // What does not fit the request's head is refused before it is read.
          const status = String(value).length > limits.headers_bytes ? 431 : 400;
          expect(answer.status, `${name}: ${String(value).slice(0, 40)}: ${answer.body}`).to.equal(status);
        }
      }
    });
  }

  it("has been asked so that the answers were not only refusals", () => {
    expect(well_answered).to.include.members([...answered]);
  });
});

/** One of everything, each new: what a call uses up, another has for itself. */
async function makeWorld(server: Served): Promise<Readonly<Record<string, string>>> {
  made += 1;
  const post = async (path: string, body: object) => {
    const reply = await fetch(server.url + path, {
      method: "POST",
      headers: { "x-api-key": server.admin_key },
      body: JSON.stringify(body),
    });
    return (await reply.json()) as Record<string, Record<string, string> & string>;
  };
  const agent_id = `agent-${made}`;
  const { credential } = await post("/v1/enforce/agents", { name: agent_id });
  const { session_id } = await post("/v1/enforce/sessions/start", { agent_id });
  const action = { session_id, action_type: "read", action_content: "text", metadata: { a: [1] } };
  const { decision_id, vault_entry_id } = await post("/v1/enforce/intercept", action);
  const { key } = await post("/v1/keys", { name: `key-${made}`, roles: ["auditor"] });
  const { policy } = await post("/v1/enforce/policies", {
    name: `policy-${made}`,
    policy_type: "action_type",
    decision: "allow",
    action_types: ["nobody.asks"],
  });
  return {
    agent_id,
    name: `other-${made}`,
    credential_id: credential?.credential_id ?? "",
    session_id: session_id ?? "",
    parent_session_id: session_id ?? "",
    decision_id: decision_id ?? "",
    entry_id: vault_entry_id ?? "",
    policy_id: policy?.policy_id ?? "",
    key_id: key?.key_id ?? "",
    action_type: "read",
    from_sequence: "0",
    page_token: "",
  };
}

let made = 0;

function membersOf(schema: Schema | undefined): Readonly<Record<string, Schema>> {
  return schema === undefined ? {} : (resolve(schema).properties ?? {});
}

async function ask(
  url: string,
  { path, method, operation }: Asked,
  known: Readonly<Record<string, string>>,
  full: boolean,
  key: string,
  instead: { readonly body?: object; readonly query?: Readonly<Record<string, unknown>> } = {},
): Promise<Answer> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(instead.query ?? {})) {
    for (const each of [value].flat()) {
      query.append(name, String(each));
    }
  }
  let filled = path;
  for (const each of operation.parameters ?? []) {
    const { name, in: place, required = false, schema } = resolve(each);
    const value = String(known[name] ?? sampleOf(schema, resolve, known, full));
    if (place === "path") {
      filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    } else if (place === "query" && (required || full) && value !== "") {
      query.append(name, value);
    }
  }
  const media = operation.requestBody?.content["application/json"];
  const sample = () => sampleOf(media?.schema ?? {}, resolve, known, full);
  const body = media === undefined ? {} : { body: JSON.stringify(instead.body ?? sample()) };
  const leave = new AbortController();
  const reply = await fetch(`${url}${filled}?${query}`, {
    method,
    headers: { "x-api-key": key },
    signal: leave.signal,
    ...body,
  });
  const type = reply.headers.get("content-type")?.split(";")[0] ?? "";
  const text = type === "text/event-stream" ? await firstEvent(reply) : await reply.text();
  leave.abort();
  return { status: reply.status, type, body: text };
}

/** The data of the first event that has any. */
async function firstEvent(reply: Response): Promise<string> {
  let text = "";
  for await (const chunk of reply.body ?? []) {
    text += new TextDecoder().decode(chunk as Uint8Array, { stream: true });
    const data = /^data: ?(.*)\n/m.exec(text)?.[1];
    if (data !== undefined) {
      return data;
    }
  }
  return text;
}

function expectDescribed({ operation }: Asked, { status, type, body }: Answer): void {
  const described = operation.responses[status] ?? operation.responses.default;
  const media = described === undefined ? undefined : resolve(described).content[type];
  expect(media, `${status} ${type} is not described: ${body}`).to.not.equal(undefined);
  if (type === "text/plain") {
    return;
  }
  const schema = media?.["x-event-data"] ?? media?.schema ?? {};
  expect(faultsOf(schema, JSON.parse(body)), body.slice(0, 2000)).to.equal("");
}
