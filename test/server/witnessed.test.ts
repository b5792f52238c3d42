import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { logsOf, type RunningWitness, startWitness } from "../witness/running.js";
import { command, curl, freshFolder, type Served, serve } from "./served.js";

interface Verified {
  readonly exit: number;
  readonly witnessed: { readonly quorum: number; readonly by: readonly string[] };
}

describe("a server with a witness", () => {
  const folder = freshFolder();
  const data = join(folder, "data");
  const place = join(folder, "witness");
  const list = join(folder, "witnesses.json");
  let witness: RunningWitness;
  let server: Served;
  let trust = "";

  before(async () => {
    // The first start makes the keys that the witness has to know.
    const first = await serve({ data });
    const exported = join(folder, "first");
    await command(["export", "--out", exported], access(first));
    await first.end();
    trust = readFileSync(join(exported, "trust.json"), "utf8");
    witness = await startWitness(place, "w.example/1", logsOf(trust));
    writeFileSync(list, JSON.stringify([{ vkey: witness.vkey, url: witness.url }]));
    server = await serve({ data, env: { KILLCORD_WITNESSES: list } });
  }).timeout(60_000);

  after(async () => {
    await server?.end();
    await witness?.close();
  });

  const access = ({ url, admin_key }: Served) => ({ KILLCORD_URL: url, KILLCORD_API_KEY: admin_key });
  const ready = async () => (await fetch(`${server.url}/readyz`)).json() as Promise<Record<string, unknown>>;

  async function decided(): Promise<string> {
    const started = await curl(server, "/v1/enforce/sessions/start", server.admin_key, { agent_id: "bot" });
    const { session_id } = started;
    const action = { session_id, action_type: "read" };
    const { decision, decision_id } = await curl(server, "/v1/enforce/intercept", server.admin_key, action);
    expect(decision).to.equal("allow");
    return decision_id;
  }

  async function verified(path: string): Promise<Verified> {
    const { stdout } = await command(["verify", path, "--trust", join(folder, "trust.json"), "--json"]);
    return JSON.parse(stdout);
  }

  it("gives receipts and exports that its witness has signed", async () => {
    const decision_id = await decided();
    const { receipt } = await curl(server, `/v1/enforce/decisions/${decision_id}/receipt`, server.admin_key);
    const out = join(folder, "out");
    await command(["export", "--out", out], access(server));
    writeFileSync(join(folder, "trust.json"), readFileSync(join(out, "trust.json"), "utf8"));
    const witnessed = { quorum: 1, by: ["w.example/1"] };
    expect(await verified(out)).to.deep.include({ exit: 0, witnessed });
    mkdirSync(join(folder, "one"));
    writeFileSync(join(folder, "one/receipt.json"), JSON.stringify(receipt));
    expect(await verified(join(folder, "one/receipt.json"))).to.deep.include({ exit: 0, witnessed });
    writeFileSync(join(folder, "one/1.tlog-proof"), receipt.proof.tlog_proof);
    expect(await verified(join(folder, "one/1.tlog-proof"))).to.deep.include({ exit: 0, witnessed });
    expect(await ready()).to.deep.equal({ ok: true, reasons: [] });
  }).timeout(60_000);

  it("goes on without it, says so wherever an operator looks, and catches up", async () => {
    await witness.close();
    await decided();
    while ((await ready()).warnings === undefined) {
      await decided();
    }
    const { ok, warnings } = (await ready()) as {
      readonly ok: boolean;
      readonly warnings: [{ code: string }];
    };
    expect([ok, warnings[0].code]).to.deep.equal([true, "unwitnessed"]);
    const figures = async () =>
      (await fetch(`${server.url}/metrics`, { headers: { "x-api-key": server.admin_key } })).text();
    expect(await figures()).to.match(/^killcord_checkpoint_unwitnessed 1$/m);
    expect(await figures()).to.match(/^killcord_witness_signed\{witness="w\.example\/1"\} 0$/m);
    expect(server.log()).to.contain("the newest checkpoint is unwitnessed");
    witness = await startWitness(place, "w.example/1", logsOf(trust), witness.port);
    while ((await ready()).warnings !== undefined) {
      await new Promise(setImmediate);
    }
    expect(await figures()).to.match(/^killcord_checkpoint_unwitnessed 0$/m);
    expect(server.log()).to.contain("is witnessed again");
  }).timeout(60_000);

  it("does not start with witnesses that cannot be read", async () => {
    writeFileSync(join(folder, "bad.json"), "[]");
    const bad = await command(["serve", "--data", data], { KILLCORD_WITNESSES: join(folder, "bad.json") });
    expect([bad.status, bad.stderr]).to.deep.equal([
      2,
      `killcord: witnesses: ${join(folder, "bad.json")}: a list of 1 to 32 objects {"vkey", "url"} was expected\n`,
    ]);
  });
});
