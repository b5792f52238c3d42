/** `serve --policies`: the files of a directory are in force, whatever happens to them. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { command, curl, freshFolder, type Served, serve } from "./served.js";

const policy = (name: string, more = "") =>
  `name: ${name}\npolicy_type: action_type\ndecision: block\naction_types: [${name}.*]\n${more}`;

describe("a server that reads its policies from files", () => {
  let folder: string;
  let data: string;
  let server: Served;
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  const start = () => serve({ data, flags: ["--policies", folder] });
  const list = async () => {
    const { policies } = await curl(server, "/v1/enforce/policies", server.admin_key);
    return policies.map(
      ({ name, version, source }: Record<string, string>) => `${name} ${version} ${source}`,
    );
  };
  const send = async (method: string, path: string, body: object | null) => {
    const reply = await fetch(server.url + path, {
      method,
      headers: { "x-api-key": server.admin_key },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
    });
    return (await reply.json()) as { readonly error?: { readonly code: string; readonly message: string } };
  };
  /** Waits for what the server does by itself; the suite's own time is its bound. */
  const until = async (is_so: () => boolean | Promise<boolean>) => {
    while (!(await is_so())) {
      await pause(20);
    }
  };

  before(async () => {
    folder = join(freshFolder(), "policies");
    data = join(freshFolder(), "data");
    mkdirSync(folder);
    write("a.yaml", policy("a"));
    server = await start();
  });
  after(() => server.end());

  it("has them in force from the first request on", async () => {
    expect(await list()).to.deep.equal(["a 1 file"]);
  });

  it("puts a change in force by itself, each under its own version, and seals nothing for what is equal", async () => {
    write("b.yaml", policy("b"));
    await until(async () => (await list()).length === 2);
    write("a.yaml", policy("a", "priority: 7\n"));
    await until(async () => (await list()).includes("a 2 file"));
    expect(await list()).to.deep.equal(["a 2 file", "b 1 file"]);
    const { entries } = await curl(server, "/v1/vault/entries?page_size=500", server.admin_key);
    const sealed = entries.filter(({ event }: { event: string }) => event === "policy_changed");
    expect(sealed).to.have.length(3);
  });

  it("keeps what is in force when a file breaks, and says where in its log, in /readyz and in figures", async () => {
    write("b.yaml", `${policy("b")}prioritie: 1\n`);
    const said = "b.yaml:5:1: prioritie: is not known here";
    await until(() => server.log().includes(said));
    expect(await list()).to.deep.equal(["a 2 file", "b 1 file"]);
    const { warnings } = await curl(server, "/readyz", server.admin_key);
    expect(JSON.stringify(warnings)).to.include(said);
    const figures = await (
      await fetch(`${server.url}/metrics`, { headers: { "x-api-key": server.admin_key } })
    ).text();
    expect(figures).to.match(
      /killcord_policy_file_faults\{place="b\.yaml:5:1",fault="prioritie: is not known/,
    );
    expect(figures).to.include('killcord_policies{mode="live"} 2');
  });

  it("keeps what is in force when all files are gone: an empty directory is no order", async () => {
    rmSync(join(folder, "a.yaml"));
    rmSync(join(folder, "b.yaml"));
    await until(() => server.log().includes("there is no policy here"));
    expect(await list()).to.deep.equal(["a 2 file", "b 1 file"]);
  });

  it("deletes the policy of a file that is gone, and tells when all is well again", async () => {
    write("a.yaml", policy("a", "priority: 7\n"));
    await until(async () => (await list()).length === 1);
    expect(await list()).to.deep.equal(["a 2 file"]);
    const { warnings = [] } = await curl(server, "/readyz", server.admin_key);
    expect(warnings).to.deep.equal([]);
  });

  it("lets no call change what a file holds, nor pass for a file", async () => {
    const { policies } = await curl(server, "/v1/enforce/policies", server.admin_key);
    const path = `/v1/enforce/policies/${policies[0].policy_id}`;
    const body = { name: "a", policy_type: "action_type", decision: "allow" };
    for (const [method, at, sent] of [
      ["PUT", path, body],
      ["PUT", path, { ...body, source: "file" }],
      ["DELETE", path, null],
      ["DELETE", `${path}?source=file`, null],
      ["POST", "/v1/enforce/policies", { ...body, name: "c", source: "file" }],
    ] as const) {
      expect((await send(method, at, sent)).error?.code, `${method} ${at}`).to.equal("policy_from_file");
    }
    expect(await list()).to.deep.equal(["a 2 file"]);
  });

  it("leaves alone what calls made, and has a fault where a file wants that name", async () => {
    await send("POST", "/v1/enforce/policies", {
      name: "called",
      policy_type: "action_type",
      decision: "block",
      action_types: ["c"],
    });
    write("c.yaml", policy("called"));
    await until(() => server.log().includes("is a policy that a call made"));
    expect(await list()).to.deep.equal(["a 2 file", "called 1 api"]);
    rmSync(join(folder, "c.yaml"));
  });

  it("starts again with what was in force when the files are broken by then", async () => {
    await server.end();
    write("a.yaml", "name: [");
    server = await start();
    expect(await list()).to.deep.equal(["a 2 file", "called 1 api"]);
    expect(server.log()).to.match(/a\.yaml:1:\d+: /);
  });

  it("does not start for the first time on broken or missing files: nothing would be forbidden", async () => {
    for (const policies of [folder, join(folder, "missing")]) {
      const fresh = join(freshFolder(), "data");
      const words = ["serve", "--data", fresh, "--listen", "127.0.0.1:0", "--policies", policies];
      const { status, stderr } = await command(words);
      expect(status).to.equal(1);
      expect(stderr).to.include("so the server would start without a policy");
    }
  });
});
