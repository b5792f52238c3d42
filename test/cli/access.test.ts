import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { KeyService } from "../../gen/killcord/v1/key_pb.js";
import { findKey } from "../../src/cli/access.js";
import { invoke } from "./killcord.js";
import { type ScriptedServer, scriptedServer } from "./scripted-server.js";

describe("the API key", () => {
  let server: ScriptedServer;
  let folder: string;

  before(async () => {
    server = await scriptedServer((router) => router.service(KeyService, { listKeys: () => ({}) }));
    folder = await mkdtemp(join(tmpdir(), "killcord-test-"));
    await mkdir(join(folder, "killcord-data"));
    await writeFile(join(folder, "killcord-data", "admin.key"), "kc_admin\n", { mode: 0o600 });
    await writeFile(join(folder, "mine.key"), "kc_mine\n");
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    server.requests.length = 0;
  });

  const list = (words: readonly string[], env: Record<string, string>, cwd = folder) =>
    invoke(["keys", "list", ...words], { cwd, env: { KILLCORD_URL: server.url, ...env } });
  const keysSent = () => server.requests.map(({ key }) => key);

  it("comes from --api-key-file before KILLCORD_API_KEY", async () => {
    const { status, stderr } = await list(["--api-key-file", "mine.key"], {
      KILLCORD_API_KEY: "kc_environment",
    });
    expect([status, stderr, keysSent()]).to.deep.equal([0, "", ["kc_mine"]]);
  });

  it("comes from KILLCORD_API_KEY before the admin key", async () => {
    const { status, stderr } = await list([], { KILLCORD_API_KEY: "kc_environment" });
    expect([status, stderr, keysSent()]).to.deep.equal([0, "", ["kc_environment"]]);
  });

  it("is the admin key of the folder when none is given, and the command says so", async () => {
    const { status, stderr } = await list([], {});
    expect([status, keysSent()]).to.deep.equal([0, ["kc_admin"]]);
    expect(stderr).to.equal(
      `killcord: no KILLCORD_API_KEY is set: using the admin key in ${join("killcord-data", "admin.key")}\n`,
    );
  });

  it("is none where no admin key lies, and the server is asked without", async () => {
    const { status } = await list([], {}, tmpdir());
    expect([status, keysSent()]).to.deep.equal([0, [undefined]]);
  });

  it("of the folder is never sent to another machine", () => {
    const before = process.env.KILLCORD_DATA;
    process.env.KILLCORD_DATA = join(folder, "killcord-data");
    try {
      const key = (url: string) => findKey({ url, json: true }, new URL(url));
      for (const near of [
        "http://127.0.0.1:7411",
        "http://localhost:7411",
        "http://[::1]:7411",
        "http://127.8.9.1",
      ]) {
        expect(key(near), near).to.equal("kc_admin");
      }
      for (const far of [
        "https://killcord.example.com",
        "http://10.0.0.1:7411",
        "http://localhost.example.com",
      ]) {
        expect(key(far), far).to.equal(null);
      }
    } finally {
      if (before === undefined) delete process.env.KILLCORD_DATA;
      else process.env.KILLCORD_DATA = before;
    }
  });
});
