/** The packs that come with Killcord: they load, hold what they claim, and are where they are looked for. */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { packNames, policyDirectory } from "../../src/cli/packs.js";
import { policiesIn } from "../../src/cli/policy-folder.js";
import { readPolicyFolder } from "../../src/policies/folder.js";
import { type Served, serve } from "../server/served.js";
import { killcord } from "./killcord.js";

const folder = "policies/packs";

describe("the packs of policies", function () {
  this.timeout(60_000);

  it("are those of the documentation, in the order in which it names them", () => {
    const documented = [...readFileSync("docs/policies.md", "utf8").matchAll(/^\| `pack:([a-z-]+)` \|/gm)];
    expect(packNames()).to.deep.equal(documented.map(([, name]) => name).sort());
    expect(packNames()).to.have.lengthOf(5);
  });

  it("go together: no two policies have one name", async () => {
    const { policies, faults } = await readPolicyFolder(folder, () => "0".repeat(32));
    expect(faults).to.deep.equal([]);
    expect(new Set(policies.map(({ document }) => document.name)).size).to.equal(policies.length);
  });

  for (const name of readdirSync(folder)) {
    it(`${name} does in its tests what it says, of every policy and both ways`, async () => {
      const { status, stdout, stderr } = await killcord(["policy", "test", `pack:${name}`]);
      expect(status, `${stdout}${stderr}`).to.equal(0);
    });

    it(`${name} says of each policy why it exists and what it misses, and has tests beside each file`, async () => {
      const directory = policyDirectory(`pack:${name}`);
      for (const { document, file } of await policiesIn(directory)) {
        expect(document.description, document.name).to.match(/^Why/);
        expect(document.description, document.name).to.match(/[Mm]isses/);
        expect(document.mode).to.equal("live");
        const tests = readFileSync(`${directory}${file.replace(".yaml", ".test.yaml")}`, "utf8");
        expect(tests).to.match(/expect: (allow|started)/);
      }
    });
  }

  it("an unknown one is refused with the names that there are", async () => {
    const { status, stderr } = await killcord(["policy", "validate", "pack:../packs"]);
    expect(status).to.equal(1);
    expect(stderr).to.include('there is no pack "../packs": there are pack:credential-access');
  });

  it("a server puts one in force from its start", async () => {
    const server = await serve({ flags: ["--policies", "pack:runaway-loops"] });
    const reply = await fetch(`${server.url}/v1/enforce/sessions/start`, {
      method: "POST",
      headers: { "x-api-key": server.admin_key },
      body: "{}",
    });
    const { budgets } = (await reply.json()) as { readonly budgets: object };
    expect(budgets).to.include({ max_depth: 3, max_concurrent: 20, ttl_seconds: 86400 });
    await server.end();
  });

  describe("on a server", () => {
    let server: Served;

    before(async () => {
      server = await serve();
    });
    after(() => server.end());

    const apply = (pack: string) =>
      killcord(["policy", "apply", pack, "--url", server.url, "--json"], {
        env: { KILLCORD_API_KEY: server.admin_key },
      });

    it("are put in force one after another, and a second time nothing changes", async () => {
      for (const name of packNames()) {
        const { status, stdout, stderr } = await apply(`pack:${name}`);
        expect(status, stderr).to.equal(0);
        expect(JSON.parse(stdout).created, name).to.be.above(0);
      }
      expect(JSON.parse((await apply("pack:spending")).stdout)).to.include({
        created: 0,
        updated: 0,
        unchanged: 7,
      });
    });
  });
});
