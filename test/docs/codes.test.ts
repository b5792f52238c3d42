/**
 * Every code of docs/errors.md can be met, with the status that its row says, or the row says that
 * this version does not send it. (That every code has a row, and every row a code, is a tidy rule.)
 */
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { SessionService } from "../../gen/killcord/v1/session_pb.js";
import { type ErrorCode, error_codes } from "../../src/services/errors.js";
import { tokenOf } from "../../src/services/resume-token.js";
import { openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import { errorInfo } from "../rpc/status-details.js";
import { type Served, serve } from "../server/served.js";

/** One request over REST; without a body it is a GET, and `key` null sends none. */
interface Ask {
  readonly path: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly key?: string | null;
}

/** Ids that the requests below speak of. */
interface Place {
  readonly admin: string;
  readonly session: string;
  readonly stopped: string;
  readonly decision: string;
  readonly cancelled: string;
  readonly credential: string;
  readonly revoked_credential: string;
  readonly revoked_key: string;
  readonly auditor: string;
  readonly rotated: string;
  readonly file_policy: string;
}

const json = (value: object): string => JSON.stringify(value);
const start = "/v1/enforce/sessions/start";
const intercept = "/v1/enforce/intercept";
const policy = {
  name: "filed",
  policy_type: "action_type",
  decision: "allow",
  action_types: ["nobody.asks"],
};

/** How a caller meets a code. */
const met: Readonly<Partial<Record<ErrorCode, (place: Place) => Ask>>> = {
  missing_api_key: () => ({ path: "/v1/keys", key: null }),
  invalid_api_key: () => ({ path: "/v1/keys", key: "kc_wrong" }),
  expired_api_key: ({ revoked_key }) => ({ path: "/v1/keys", key: revoked_key }),
  insufficient_permissions: ({ auditor }) => ({ path: "/v1/keys", key: auditor }),
  agent_suspended: () => ({ path: start, body: json({ agent_id: "gone" }) }),
  credential_revoked: ({ revoked_credential }) => ({
    path: start,
    body: json({ credential_id: revoked_credential }),
  }),
  session_required: ({ credential }) => ({
    path: intercept,
    key: credential,
    body: json({ action_type: "look" }),
  }),
  session_not_found: () => ({ path: "/v1/enforce/sessions/sess_0" }),
  agent_not_found: () => ({ path: "/v1/enforce/agents/nobody" }),
  credential_not_found: () => ({ path: "/v1/enforce/credentials/cred_0/revoke", body: "" }),
  decision_not_found: () => ({ path: "/v1/enforce/decisions/enf_0" }),
  reservation_not_found: ({ decision }) => ({ path: `/v1/enforce/decisions/${decision}/settle`, body: "" }),
  reservation_closed: ({ cancelled }) => ({ path: `/v1/enforce/decisions/${cancelled}/settle`, body: "" }),
  escalation_not_found: () => ({ path: "/v1/enforce/escalations/esc_0/status" }),
  key_not_found: () => ({ path: "/v1/keys/key_0/revoke", body: "" }),
  halt_not_found: ({ stopped }) => ({
    path: `/v1/enforce/sessions/${stopped}/acknowledge`,
    body: json({ halt_id: "halt_0", phase: "stopping" }),
  }),
  session_not_stopped: ({ session }) => ({
    path: `/v1/enforce/sessions/${session}/acknowledge`,
    body: json({ halt_id: "halt_0", phase: "stopping" }),
  }),
  entry_not_found: () => ({ path: "/v1/vault/entries/ve_ffffffffffffffffffffffff" }),
  checkpoint_not_found: () => ({ path: "/v1/vault/checkpoint?size=123456789" }),
  route_not_found: () => ({ path: "/v1/enforce/red-lines" }),
  method_not_allowed: () => ({ path: start, method: "PUT", body: "{}" }),
  invalid_path: () => ({ path: "/v1/enforce/sessions/%zz" }),
  invalid_query: () => ({ path: "/v1/enforce/sessions?agent_id=%zz" }),
  unknown_parameter: () => ({ path: "/v1/enforce/sessions?colour=red" }),
  invalid_json: () => ({ path: start, body: "{" }),
  unknown_field: () => ({ path: start, body: json({ budgets: { max_action: 1 } }) }),
  unexpected_body: () => ({ path: "/v1/keys", method: "GET", body: "{1}" }),
  invalid_argument: () => ({ path: start, body: json({ agent_id: 5 }) }),
  invalid_action_type: () => ({ path: intercept, body: "{}" }),
  invalid_chain: ({ session }) => ({
    path: intercept,
    body: json({ session_id: session, action_type: "look", chain_step: 1 }),
  }),
  batch_too_large: () => ({
    path: "/v1/enforce/batch",
    body: json({ actions: Array(101).fill({ action_type: "look" }) }),
  }),
  invalid_idempotency_key: () => ({ path: start, body: "{}", headers: { "idempotency-key": "a b" } }),
  idempotency_key_mismatch: () => ({
    path: start,
    body: json({ label: "another" }),
    headers: { "idempotency-key": "used" },
  }),
  unsupported_encoding: () => ({ path: start, body: "{}", headers: { "content-encoding": "br" } }),
  session_not_active: ({ stopped }) => ({ path: start, body: json({ parent_session_id: stopped }) }),
  scope_halted: () => ({ path: start, body: json({ label: "halted" }) }),
  last_admin_key: ({ admin }) => ({ path: `/v1/keys/${admin}/revoke`, body: "" }),
  already_exists: ({ rotated }) => ({ path: `/v1/keys/${rotated}/rotate`, body: "" }),
  policy_from_file: ({ file_policy }) => ({
    path: `/v1/enforce/policies/${file_policy}`,
    method: "DELETE",
  }),
  version_mismatch: ({ file_policy }) => ({
    path: `/v1/enforce/policies/${file_policy}`,
    method: "PUT",
    body: json({ ...policy, source: "file", version: 9 }),
  }),
  payload_too_large: () => ({ path: start, body: " ".repeat(1024 * 1024 + 1) }),
};

/** Codes that no caller can bring about at will, and the tests that do. */
const shown_by: Readonly<Partial<Record<ErrorCode, string>>> = {
  http2_required: "test/rpc/duplex.test.ts",
  escalation_already_resolved: "test/core/escalation.test.ts",
  action_text_lost: "test/services/escalation.test.ts",
  session_limit_reached: "test/core/limits.test.ts",
  limit_reached: "test/core/limits.test.ts",
  policy_not_found: "test/core/policy/change.test.ts",
  above_ceiling: "test/core/policy/session-budgets.test.ts",
  overloaded: "test/engine/lanes.test.ts",
  unavailable: "test/engine/sequencer.test.ts",
  deadline_exceeded: "test/rpc/lives.test.ts",
  canceled: "test/rest/caller.test.ts",
  internal: "test/rest/transcoder.test.ts",
};

describe("the codes of docs/errors.md", () => {
  const rows = new Map(
    [
      ...readFileSync("docs/errors.md", "utf8").matchAll(/^\| `([a-z_]+)` \| `\w+` \| (\d+) \| ([^|]*)/gm),
    ].map(([, code = "", status = "", when = ""]) => [code, { status: Number(status), when }]),
  );
  let server: Served;
  let place: Place;

  async function ask({ path, body, headers = {}, key = server.admin_key, ...more }: Ask) {
    const method = more.method ?? (body === undefined ? "GET" : "POST");
    const reply = await send(
      server.url + path,
      method,
      key === null ? headers : { ...headers, "x-api-key": key },
      body,
    );
    return { status: reply.status, json: JSON.parse(reply.text) };
  }
  const post = async (path: string, body: object = {}) => (await ask({ path, body: json(body) })).json;

  before(async () => {
    server = await serve();
    const { session_id: session } = await post(start);
    const { session_id: stopped } = await post(start);
    await post(`/v1/enforce/sessions/${stopped}/kill`);
    const held = { session_id: session, action_type: "look", estimate: { tokens: 1 } };
    const { decision_id: cancelled } = await post(intercept, held);
    await post(`/v1/enforce/decisions/${cancelled}/cancel`);
    const { decision_id: decision } = await post(intercept, { session_id: session, action_type: "look" });
    await ask({ path: start, body: "{}", headers: { "idempotency-key": "used" } });
    const good = await post("/v1/enforce/agents", { name: "good" });
    const bad = await post("/v1/enforce/agents", { name: "bad" });
    await post(`/v1/enforce/credentials/${bad.credential.credential_id}/revoke`);
    await post("/v1/enforce/agents", { name: "gone" });
    await post("/v1/enforce/agents/gone/revoke");
    const revoked = await post("/v1/keys", { name: "revoked", roles: ["admin"] });
    await post(`/v1/keys/${revoked.key.key_id}/revoke`);
    const rotated = await post("/v1/keys", { name: "rotated", roles: ["operator"] });
    await post(`/v1/keys/${rotated.key.key_id}/rotate`);
    await post("/v1/enforce/halts", { scope: { kind: "label", id: "halted" } });
    const filed = await post("/v1/enforce/policies", { ...policy, source: "file" });
    const { keys } = await (await ask({ path: "/v1/keys" })).json;
    place = {
      admin: keys.at(-1).key_id,
      session,
      stopped,
      decision,
      cancelled,
      credential: good.credential.secret,
      revoked_credential: bad.credential.credential_id,
      revoked_key: revoked.secret,
      auditor: (await post("/v1/keys", { name: "auditor", roles: ["auditor"] })).secret,
      rotated: rotated.key.key_id,
      file_policy: filed.policy.policy_id,
    };
  });
  after(() => server.end());

  for (const code of Object.keys(error_codes) as ErrorCode[]) {
    const asked = met[code];
    const file = shown_by[code];
    if (asked !== undefined) {
      it(`${code} is met, with the status of its row and a message that says more than the code`, async () => {
        const { status, json: reply } = await ask(asked(place));
        expect(reply.error?.code, JSON.stringify(reply)).to.equal(code);
        expect(status).to.equal(rows.get(code)?.status);
        expect(reply.error.message).to.match(/\w+\W+\w+\W+\w+/);
        expect(reply.error.message).not.to.include(server.admin_key);
      });
    } else if (code === "data_loss") {
      it("data_loss is met by a watch with the token of another log", async () => {
        const client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
        const resumeToken = tokenOf("other.example/workspace", 1);
        const request = { sessionId: place.session, resumeToken };
        const { metadata } = await statusOf(
          client.stream(SessionService.method.watchSession, request).resume(),
        );
        client.close();
        expect(errorInfo(metadata)?.reason).to.equal("data_loss");
      });
    } else if (file !== undefined) {
      it(`${code} is shown by ${file}`, () => {
        expect(readFileSync(file, "utf8")).to.include(`"${code}"`);
      });
    } else {
      it(`${code} is said not to be sent by this version, and nothing raises it`, () => {
        expect(rows.get(code)?.when).to.include("Not sent by this version");
        expect(sourcesWith(`"${code}"`).filter((name) => !lists.has(name))).to.deep.equal([]);
      });
    }
  }
});

/** Files that list codes, and raise none. */
const lists: ReadonlySet<string> = new Set([
  "src/core/decision.ts",
  "src/rest/status.ts",
  "src/services/errors.ts",
]);

function sourcesWith(words: string): readonly string[] {
  return readdirSync("src", { recursive: true, encoding: "utf8" })
    .map((name) => `src/${name}`)
    .filter((name) => name.endsWith(".ts") && readFileSync(name, "utf8").includes(words));
}

/** Sends what fetch would not: a body with a GET. */
function send(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const length = Buffer.byteLength(body ?? "");
    const call = request(
      url,
      { method, headers: { ...headers, "content-length": String(length) } },
      async (reply) => resolve({ status: reply.statusCode ?? 0, text: await text(reply) }),
    );
    call.on("error", reject);
    call.end(body);
  });
}
