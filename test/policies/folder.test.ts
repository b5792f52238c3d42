/** A directory of policies: which files count, and what is wrong with the whole of it. */
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { limits } from "../../src/limits.js";
import { readPolicyFolder } from "../../src/policies/folder.js";
import { faultLine } from "../../src/policies/policy-file.js";
import { freshFolder } from "../server/served.js";

const policy = (name: string) => `name: ${name}\npolicy_type: action_type\ndecision: block\n`;

function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = freshFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function read(folder: string) {
  const { policies, faults } = await readPolicyFolder(folder, () => "0".repeat(32));
  return {
    names: policies.map(({ document, file }) => `${file} ${document.name}`),
    faults: faults.map((fault) => faultLine(fault).replaceAll(folder, "DIR")),
  };
}

describe("a directory of policies", () => {
  it("is every .yaml and .yml in it and below, in the order of their names; not tests, not hidden ones", async () => {
    const folder = folderWith({
      "b.yml": policy("b"),
      "a.yaml": policy("a"),
      "deep/er/c.yaml": policy("c"),
      "a.test.yaml": "no policy",
      ".git/d.yaml": "no policy",
      "README.md": "no policy",
    });
    expect(await read(folder)).to.deep.equal({
      names: ["a.yaml a", "b.yml b", "deep/er/c.yaml c"],
      faults: [],
    });
  });

  it("is read through links, as a mounted configuration has them, and not round in a circle", async () => {
    const folder = folderWith({ "..data/a.yaml": policy("a") });
    symlinkSync("..data/a.yaml", join(folder, "a.yaml"));
    expect(await read(folder)).to.deep.equal({ names: ["a.yaml a"], faults: [] });
    symlinkSync(".", join(folder, "loop"));
    expect((await read(folder)).faults.length).to.be.greaterThan(0);
  });

  it("has a fault for two policies of one name, whichever files they are in", async () => {
    const folder = folderWith({ "a.yaml": policy("same"), "b.yaml": `${policy("x")}---\n${policy("same")}` });
    expect((await read(folder)).faults).to.deep.equal([
      'b.yaml:5:1: name: "same" is also the name of the policy at a.yaml:1',
    ]);
  });

  it("has a fault when it holds no policy, or is not there: that is no set to put in force", async () => {
    expect((await read(folderWith({ "README.md": "" }))).faults).to.deep.equal([
      "DIR:1:1: there is no policy here (*.yaml)",
    ]);
    const { faults } = await read(join(freshFolder(), "missing"));
    expect(faults).to.have.length(1);
    expect(faults[0]).to.include("cannot be read");
  });

  it("has a fault for a file that is too large, no UTF-8, or a broken link, and still reads the others", async () => {
    const folder = folderWith({ "a.yaml": "", "b.yaml": Buffer.from([0x61, 0xff]), "d.yaml": "name: 1" });
    symlinkSync("nowhere", join(folder, "c.yaml"));
    symlinkSync("nowhere", join(folder, "c.md"));
    truncateSync(join(folder, "a.yaml"), limits.policy_file_bytes + 1);
    const { faults } = await read(folder);
    expect(faults.map((line) => line.slice(0, 28)).sort()).to.deep.equal([
      "a.yaml:1:1: cannot be read: ",
      "b.yaml:1:1: cannot be read: ",
      "c.yaml:1:1: cannot be read: ",
      "d.yaml:1:1: decision: is req",
      "d.yaml:1:1: name: must be a ",
      "d.yaml:1:1: policy_type: is ",
    ]);
  });

  it("has a fault for a folder that lies too deep to be read, rather than passing over what is in it", async () => {
    const deep = (folders: number) => `${"in/".repeat(folders)}b.yaml`;
    const most = limits.policy_folder_depth - 1;
    const fits = folderWith({ "a.yaml": policy("a"), [deep(most)]: policy("b") });
    expect(await read(fits)).to.deep.equal({ names: ["a.yaml a", `${deep(most)} b`], faults: [] });
    const { faults } = await read(folderWith({ "a.yaml": policy("a"), [deep(most + 1)]: policy("b") }));
    const place = `${"in/".repeat(most)}in`;
    expect(faults).to.deep.equal([`${place}:1:1: more than 8 folders within each other`]);
  });

  it("has a fault for more files than a server takes", async () => {
    const folder = freshFolder();
    for (let i = 0; i <= limits.policy_files; i += 1) {
      writeFileSync(join(folder, `${i}.yaml`), "");
    }
    expect((await read(folder)).faults).to.deep.equal([`DIR:1:1: more than ${limits.policy_files} files`]);
  });
});
