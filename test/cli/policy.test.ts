/** `killcord policy`: files checked, tested and applied, as people and programs see it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { curl, freshFolder, type Served, serve } from "../server/served.js";
import { killcord } from "./killcord.js";

const policy = (name: string, more = "") =>
  `name: ${name}\npolicy_type: action_type\ndecision: block\naction_types: [${name}.*]\n${more}`;

describe("killcord policy", function () {
  // Each command is a process of its own, and beginning one takes a second on a busy machine.
  this.timeout(30_000);
  let folder: string;
  const write = (file: string, text: string) => {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  beforeEach(() => {
    folder = join(freshFolder(), "policies");
    mkdirSync(folder);
    write("a.yaml", policy("a"));
  });

  describe("validate", () => {
    it("says that all is good, and how much it was", async () => {
      write("b.yaml", `${policy("b")}---\n${policy("c")}`);
      const { status, stdout } = await killcord(["policy", "validate", folder]);
      expect([status, stdout]).to.deep.equal([0, "3 policies in 2 files: all good\n"]);
    });

    it("names file, line and column of every fault, and fails", async () => {
      write("b.yaml", `${policy("b")}prio: 1\n---\nname: [1\n`);
      const { status, stdout, stderr } = await killcord(["policy", "validate", folder]);
      expect([status, stdout]).to.deep.equal([1, ""]);
      expect(stderr).to.match(/ {2}b\.yaml:5:1: prio: is not known here: there is name, /);
      expect(stderr).to.match(/ {2}b\.yaml:\d+:\d+: Flow sequence/);
      const json = await killcord(["policy", "validate", folder, "--json"]);
      const { error } = JSON.parse(json.stderr);
      expect(error.details[0].field).to.equal("b.yaml:5:1");
    });
  });

  describe("test", () => {
    const tests = (expected: string) =>
      `tests:\n  - name: a is refused\n    actions:\n      - {action_type: b.x, expect: allow}\n      - {action_type: a.x, expect: ${expected}, policy: a, policies: [a]}\n`;

    it("runs the tests beside the policies and says that they pass", async () => {
      write("a.test.yaml", tests("block"));
      const { status, stdout, stderr } = await killcord(["policy", "test", folder]);
      expect(stderr).to.equal("");
      expect(stdout).to.equal("a.test.yaml\n  pass  a is refused\n1 test passed (2 answers in 1 file)\n");
      expect(status).to.equal(0);
    });

    it("fails where an action is answered otherwise, and says which, what was expected and what came", async () => {
      write("a.test.yaml", tests("terminate"));
      const { status, stdout } = await killcord(["policy", "test", folder]);
      expect(status).to.equal(1);
      expect(stdout).to.match(
        /FAIL {2}a is refused\n +a\.test\.yaml:5:9\n +expected {2}terminate\n +found {5}block: /,
      );
      const json = await killcord(["policy", "test", folder, "--json"]);
      expect(json.status).to.equal(1);
      const { ok, failed, files } = JSON.parse(json.stdout);
      expect({ ok, failed }).to.deep.equal({ ok: false, failed: 1 });
      expect(files[0].tested[0].failure).to.include({ line: 5, column: 9, expected: "terminate" });
    });

    it("has faults for tests that cannot be run or cannot fail, and for policies that are not there", async () => {
      write(
        "a.test.yaml",
        "tests:\n  - name: nothing\n    actions:\n      - {action_type: a}\n      - {expect: block}\n",
      );
      write("deep/b.test.yaml", "policies: [../none.yaml]\ntests: []\n");
      write(
        "c.test.yaml",
        "policies: [none.yaml]\ntests: [{name: x, actions: [{action_type: a, expect: allow}]}]\n",
      );
      const { status, stderr } = await killcord(["policy", "test", folder]);
      expect(status).to.equal(1);
      expect(stderr.split("\n").slice(1, -1)).to.deep.equal([
        "  a.test.yaml:5:9: tests[0].actions[1]: expected action_type, or else start",
        "  deep/b.test.yaml:2:1: tests: must be a list of 1 to 1000",
        "  c.test.yaml:1:1: there are no policies in none.yaml",
      ]);
    });

    it("fails when there is no test", async () => {
      const { status, stderr } = await killcord(["policy", "test", folder]);
      expect(status).to.equal(1);
      expect(stderr).to.include("there is no test in");
    });
  });

  describe("apply", () => {
    let server: Served;
    const run = (...words: string[]) =>
      killcord(["policy", ...words], {
        env: { KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key },
      });
    const entries = async () => {
      const { total } = await curl(server, "/v1/vault/entries", server.admin_key);
      return Number(total);
    };
    before(async () => {
      server = await serve();
    });
    after(() => server.end());

    it("shows what would change and changes nothing, then changes it, then finds all as it is", async () => {
      const dry = await run("apply", folder, "--dry-run");
      expect(dry.stdout).to.match(/created {2}a +1\n1 created, .*\(dry run: nothing was changed\)\n$/s);
      expect((await curl(server, "/v1/enforce/policies", server.admin_key)).total).to.equal(0);
      const done = await run("apply", folder);
      expect(done.stdout).to.match(/created {2}a +1\n1 created, 0 updated, 0 deleted, 0 unchanged\n$/s);
      const before = await entries();
      const again = await run("apply", folder);
      expect(again.stdout).to.equal("0 created, 0 updated, 0 deleted, 1 unchanged\n");
      expect(await entries()).to.equal(before);
    });

    it("updates what differs and names the members, and deletes only with --prune", async () => {
      write("a.yaml", policy("b"));
      write("c.yaml", policy("a", "priority: 5\n"));
      const kept = await run("apply", folder);
      expect(kept.stdout).to.match(/updated {2}a +1 -> 2 +priority\n/);
      write("c.yaml", policy("d"));
      const left = await run("apply", folder);
      expect(left.stderr).to.include("1 policy from files in no file here: --prune deletes it");
      const pruned = await run("apply", folder, "--prune", "--json");
      const { deleted, changes } = JSON.parse(pruned.stdout);
      expect(deleted).to.equal(1);
      expect(changes.at(-1)).to.include({ change: "deleted", name: "a", version: null });
      const list = await run("list");
      expect(list.stdout).to.match(/live +block +b +action_type +file +1/);
      expect(list.stdout).to.not.match(/block +a /);
    });

    it("does nothing when one file has a fault, or wants the name of a policy that a call made", async () => {
      const called = { name: "called", policy_type: "action_type", decision: "allow" };
      await curl(server, "/v1/enforce/policies", server.admin_key, called);
      const before = await entries();
      write("e.yaml", `${policy("e")}---\n${policy("called")}`);
      const taken = await run("apply", folder);
      expect(taken.status).to.equal(1);
      expect(taken.stderr).to.include("called: is policy ");
      write("f.yaml", "name: 1\n");
      expect((await run("apply", folder)).status).to.equal(1);
      expect(await entries()).to.equal(before);
    });

    it("shows one policy with its conditions", async () => {
      const { policies } = await curl(server, "/v1/enforce/policies", server.admin_key);
      const shown = await run("get", policies[0].policy_id);
      expect(shown.stdout).to.include(policies[0].policy_id);
      expect(shown.stdout).to.match(/entry +ve_[0-9a-f]{24}/);
    });
  });
});
