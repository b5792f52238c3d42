/** Policies by calls: every route of rest-api.md, 7, of a real server, and what bad input gets. */
import { expect } from "chai";
import { curl, type Served, serve } from "./served.js";

const path = "/v1/enforce/policies";
const no_deletes = {
  name: "no deletes",
  policy_type: "action_type",
  decision: "block",
  priority: 100,
  action_types: ["delete_*"],
};

interface Answer {
  readonly status: number;
  readonly json: {
    readonly ok: boolean;
    readonly policy: Record<string, unknown> & { readonly policy_id: string };
    readonly error: {
      readonly code: string;
      readonly message: string;
      readonly details: readonly Record<"field" | "issue", string>[];
    };
  };
}

describe("policies by calls", () => {
  let server: Served;
  const ask = async (method: string, at: string, body?: object | string): Promise<Answer> => {
    const reply = await fetch(server.url + at, {
      method,
      headers: { "x-api-key": server.admin_key },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: reply.status, json: (await reply.json()) as Answer["json"] };
  };
  const fields = ({ json }: Answer) => json.error.details.map(({ field }) => field).sort();

  beforeEach(async () => {
    server = await serve();
  });
  afterEach(() => server.end());

  it("are made, shown, changed and deleted, each change under a version and an entry of its own", async () => {
    const made = await ask("POST", path, no_deletes);
    expect(made.status).to.equal(200);
    const { policy_id, created_at, updated_at, vault_entry_id, ...said } = made.json.policy;
    expect(policy_id).to.match(/^[0-9a-f]{32}$/);
    expect(vault_entry_id).to.match(/^ve_[0-9a-f]{24}$/);
    expect(updated_at).to.equal(created_at);
    expect(said).to.deep.equal({
      ...no_deletes,
      description: "",
      conditions: {},
      mode: "live",
      enabled: true,
      source: "api",
      version: 1,
    });
    const shown = await ask("GET", `${path}/${policy_id}`);
    expect(shown.json.policy).to.deep.equal(made.json.policy);
    // As it was read, with one member changed.
    const changed = await ask("PUT", `${path}/${policy_id}`, { ...shown.json.policy, priority: 7 });
    expect(changed.json.policy).to.include({ version: 2, priority: 7, created_at, policy_id });
    expect(changed.json.policy.vault_entry_id).to.not.equal(vault_entry_id);
    const again = await ask("PUT", `${path}/${policy_id}`, { ...changed.json.policy });
    expect(again.json.policy).to.deep.equal(changed.json.policy);
    const gone = await ask("DELETE", `${path}/${policy_id}`);
    expect(gone.json.policy).to.include({ version: 2, priority: 7, policy_id });
    expect((await ask("DELETE", `${path}/${policy_id}`)).json.error.code).to.equal("policy_not_found");
    const { entries } = await curl(server, "/v1/vault/entries?page_size=500", server.admin_key);
    const sealed = entries.filter(({ event }: { event: string }) => event === "policy_changed");
    expect(sealed).to.have.length(3);
  });

  it("are listed highest priority first, with what identifies the set, and page by page", async () => {
    for (const [name, priority] of [
      ["b", 1],
      ["a", 1],
      ["c", 5],
      ["d", -3],
    ] as const) {
      await ask("POST", path, { ...no_deletes, name, priority });
    }
    const all = await curl(server, path, server.admin_key);
    expect(all.policies.map(({ name }: { name: string }) => name)).to.deep.equal(["c", "a", "b", "d"]);
    expect(all.total).to.equal(4);
    expect(all.policy_set_digest).to.match(/^[0-9a-f]{64}$/);
    const names: string[] = [];
    for (let token = ""; ; ) {
      const page = await curl(server, `${path}?page_size=3&page_token=${token}`, server.admin_key);
      names.push(...page.policies.map(({ name }: { name: string }) => name));
      token = page.next_page_token ?? "";
      if (token === "") {
        break;
      }
    }
    expect(names).to.deep.equal(["c", "a", "b", "d"]);
  });

  it("are refused with every field at fault at once", async () => {
    const wrong = await ask("POST", path, {
      name: "",
      policy_type: "threshold",
      decision: "block",
      action_types: ["a b"],
      description: "x".repeat(1025),
      conditions: { path: "amount", operator: "above", extra: [] },
    });
    expect(wrong.status).to.equal(400);
    expect(wrong.json.error.code).to.equal("invalid_argument");
    expect(fields(wrong)).to.deep.equal([
      "action_types[0]",
      "conditions.extra",
      "conditions.operator",
      "conditions.path",
      "conditions.value",
      "description",
      "name",
    ]);
    const words = await ask("POST", path, {
      ...no_deletes,
      policy_type: "magic",
      decision: "maybe",
      mode: "dark",
    });
    expect(fields(words)).to.deep.equal(["decision", "mode", "policy_type"]);
    expect((await ask("POST", path, { ...no_deletes, policy_id: "0".repeat(32) })).json.error.code).to.equal(
      "unknown_field",
    );
  });

  it("take a name once, and keep it for the one that has it", async () => {
    const made = await ask("POST", path, no_deletes);
    const taken = await ask("POST", path, no_deletes);
    expect([taken.status, taken.json.error.code]).to.deep.equal([409, "already_exists"]);
    const other = await ask("POST", path, { ...no_deletes, name: "other" });
    const renamed = await ask("PUT", `${path}/${other.json.policy.policy_id}`, no_deletes);
    expect(renamed.json.error.code).to.equal("already_exists");
    const itself = await ask("PUT", `${path}/${made.json.policy.policy_id}`, { ...no_deletes, priority: 1 });
    expect(itself.status).to.equal(200);
  });

  it("are not overwritten by who read an older version", async () => {
    const { policy } = (await ask("POST", path, no_deletes)).json;
    const at = `${path}/${policy.policy_id}`;
    await ask("PUT", at, { ...policy, priority: 1 });
    const late = await ask("PUT", at, { ...policy, priority: 2 });
    expect([late.status, late.json.error.code]).to.deep.equal([409, "version_mismatch"]);
    const { version: _, ...blind } = policy;
    expect((await ask("PUT", at, { ...blind, priority: 2 })).json.policy.version).to.equal(3);
  });

  it("of two that make one name at once, one is made", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask("POST", path, no_deletes)));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(answers.filter(({ json }) => json.error?.code === "already_exists")).to.have.length(7);
  });

  it("take names in any script, and numbers as they are", async () => {
    const conditions = { path: "/a", operator: "gt", value: 0.1 };
    const made = await ask("POST", path, {
      ...no_deletes,
      name: "送金 🔥",
      policy_type: "threshold",
      conditions,
    });
    expect(made.json.policy).to.deep.include({ name: "送金 🔥", conditions });
    await server.end("SIGKILL");
    server = await serve({ data: server.data });
    const again = await ask("GET", `${path}/${made.json.policy.policy_id}`);
    expect(again.json.policy).to.deep.equal(made.json.policy);
  });

  it("are bounded: in size, in depth, in number of members", async () => {
    const large = { ...no_deletes, action_types: Array(101).fill("a") };
    expect(fields(await ask("POST", path, large))).to.deep.equal(["action_types"]);
    const nested = `{"name":"a","policy_type":"threshold","decision":"block","conditions":${'{"a":'.repeat(60)}1${"}".repeat(60)}}`;
    expect((await ask("POST", path, nested)).status).to.equal(400);
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`m${i}`, i]));
    const answer = await ask("POST", path, { ...no_deletes, conditions: many });
    expect(answer.status).to.equal(400);
    expect(answer.json.error.details.length).to.be.at.most(100);
    expect(JSON.stringify(answer.json).length).to.be.below(100_000);
  });
});
