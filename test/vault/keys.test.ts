import { randomBytes } from "node:crypto";
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { makeKeys, readKeys } from "../../src/vault/keys.js";
import { spkiOf } from "../../src/vault/signer.js";
import { StartError } from "../../src/vault/start-error.js";
import { failure } from "../journal/suite.js";
import { removeScratch, scratchDirectory } from "./fixture.js";

const files = ["checkpoint.ed25519.pem", "checkpoint.p256.pem", "entry.p256.pem", "pepper", "root.p256.pem"];

describe("the key files", () => {
  let directory: string;

  beforeEach(async () => {
    directory = join(await scratchDirectory(), "keys");
    await makeKeys(directory, randomBytes);
  });

  afterEach(removeScratch);

  async function refusal(): Promise<string> {
    const error = await failure(() => readKeys(directory));
    expect(error).to.be.instanceOf(StartError);
    expect((error as StartError).code).to.equal("start.keys");
    return error.message;
  }

  it("are five, for their owner only", async () => {
    expect((await readdir(directory)).sort()).to.deep.equal(files);
    expect((await stat(directory)).mode & 0o777).to.equal(0o700);
    for (const file of files) {
      expect((await stat(join(directory, file))).mode & 0o777, file).to.equal(0o600);
    }
    for (const file of files.filter((name) => name.endsWith(".pem"))) {
      expect(await readFile(join(directory, file), "utf8")).to.match(/^-----BEGIN PRIVATE KEY-----\n/);
    }
  });

  it("are read back as they were made", async () => {
    await rm(directory, { recursive: true });
    const made = await makeKeys(directory, randomBytes);
    const read = (await readKeys(directory)) ?? expect.fail("there are keys");
    for (const name of ["root", "entry", "checkpoint_ed25519", "checkpoint_p256"] as const) {
      expect(spkiOf(read[name]).toString("hex"), name).to.equal(spkiOf(made[name]).toString("hex"));
    }
    expect(Buffer.from(read.pepper).toString("hex")).to.equal(Buffer.from(made.pepper).toString("hex"));
    expect(made.pepper).to.have.length(32);
  });

  it("are never written over others", async () => {
    expect(await failure(() => makeKeys(directory, randomBytes))).to.match(/EEXIST/);
  });

  it("are absent without a directory, which is no fault", async () => {
    expect(await readKeys(join(directory, "none"))).to.equal(null);
  });

  for (const file of files) {
    it(`are refused when others may read ${file}`, async () => {
      await chmod(join(directory, file), 0o640);
      expect(await refusal()).to.match(new RegExp(`${file} has mode 640: .* chmod 600`));
    });

    it(`are refused when ${file} is missing`, async () => {
      await rm(join(directory, file));
      expect(await refusal()).to.match(new RegExp(`${file} can't be read: ENOENT`));
    });

    it(`are refused when ${file} is damaged`, async () => {
      await writeFile(join(directory, file), "damaged");
      expect(await refusal()).to.include(file);
    });
  }

  it("are refused when others may open their directory", async () => {
    await chmod(directory, 0o755);
    expect(await refusal()).to.match(/has mode 755: .* chmod 700/);
  });

  it("are refused when the directory is a file, and a file a directory", async () => {
    await rm(join(directory, "pepper"));
    await mkdir(join(directory, "pepper"), { mode: 0o700 });
    expect(await refusal()).to.match(/pepper was expected to be a file/);
    await rm(directory, { recursive: true });
    await writeFile(directory, "", { mode: 0o600 });
    expect(await refusal()).to.match(/was expected to be a directory/);
  });

  it("are refused when one is of another kind", async () => {
    await copyFile(join(directory, "checkpoint.ed25519.pem"), join(directory, "entry.p256.pem"));
    expect(await refusal()).to.match(/entry.p256.pem is not .* kind p256: it is a key of kind ed25519/);
  });

  it("are refused when two uses share one key", async () => {
    await copyFile(join(directory, "entry.p256.pem"), join(directory, "checkpoint.p256.pem"));
    expect(await refusal()).to.match(/hold the same key/);
  });
});
