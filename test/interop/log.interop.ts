/**
 * Evidence before programs that others wrote: the static log before Tessera's fsck, entries and the
 * certificate before openssl.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { writeExport } from "../../src/cli/export-files.js";
import { verifyPath } from "../../src/cli/verify.js";
import { exportFiles } from "../../src/vault/evidence.js";
import { draft, openStored, published, removeScratch, scratchDirectory } from "../vault/fixture.js";

/** More than 65,536 leaves make a tile of level 2. */
const entries = 70_000;
const long_ms = 600_000;
const fsck_seconds = 300;

interface Bundle {
  readonly log: string;
  readonly signing_keys: readonly {
    readonly key_id: string;
    readonly public_key_pem: string;
    readonly created_at: string;
    readonly first_sequence: number;
    readonly backend: string;
    readonly certificate: string;
  }[];
}

interface Entry {
  readonly entry_hash: string;
  readonly signature: { readonly value: string };
}

describe(`an exported log of ${entries} entries`, () => {
  let folder = "";
  let trust: { readonly checkpoint_keys: readonly string[]; readonly entry_roots: readonly string[] };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "killcord-interop-"));
    const vault = await openStored(await scratchDirectory());
    const members = { session_id: null, session_index: null, body: {} };
    for (let done = 1; done < entries; ) {
      const count = Math.min(1000, entries - done);
      await vault.seal(
        Array.from({ length: count }, (_, i) => {
          const { content, details } = draft(`note ${done + i}`);
          return { content: { ...content, ...members }, details };
        }),
      );
      done += count;
    }
    const size = await published(vault);
    await writeExport(folder, exportFiles(vault, { size, session_id: null }));
    await vault.close();
    trust = JSON.parse(readFileSync(join(folder, "trust.json"), "utf8"));
  }).timeout(long_ms);

  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await removeScratch();
  });

  function fsck(vkey: string): string {
    const key = join(folder, "key");
    writeFileSync(key, vkey);
    const [path] = readFileSync(".build/interop/log/fsck.txt", "utf8").split("\n");
    const url = pathToFileURL(join(folder, "log")).href;
    const args = ["--ui=false", "--N=64", `--public_key=${key}`, `--storage_url=${url}`];
    const { stdout, stderr } = spawnSync(path as string, args, {
      encoding: "utf8",
      timeout: fsck_seconds * 1000,
    });
    return stdout + stderr;
  }

  it("is accepted by Tessera's fsck with each of the two keys", () => {
    for (const vkey of trust.checkpoint_keys) {
      // It exits with 0 whatever it finds: the words count.
      expect(fsck(vkey)).to.contain("Successfully fsck'd");
    }
  }).timeout(long_ms);

  it("is refused by it with one bit of a tile, of an entry or of the checkpoint changed", () => {
    const vkey = trust.checkpoint_keys[0] as string;
    for (const path of ["log/tile/1/000", "log/tile/entries/100", "log/checkpoint"]) {
      const file = join(folder, path);
      const bytes = readFileSync(file);
      const place = bytes.length >> 1;
      writeFileSync(file, bytes.with(place, (bytes[place] as number) ^ 1));
      expect(fsck(vkey), path).not.to.contain("Successfully fsck'd");
      writeFileSync(file, bytes);
    }
    expect(fsck(vkey)).to.contain("Successfully fsck'd");
  }).timeout(long_ms);

  it("verifies", async () => {
    const options = { trust: join(folder, "trust.json"), require_trust: true, json: true };
    expect(JSON.parse((await verifyPath(folder, options)).text)).to.include({ exit: 0, tree_size: entries });
  }).timeout(long_ms);

  it("has entries and a certificate that openssl verifies", () => {
    const lines = readFileSync(join(folder, "bundle.json"), "utf8").split("\n");
    const header = JSON.parse(`${lines[0]?.slice(0, -',"entries":['.length)}}`) as Bundle;
    const [key] = header.signing_keys;
    const pem = key?.public_key_pem as string;
    for (const index of [0, 1, entries >> 1, entries - 1]) {
      const { entry_hash, signature } = JSON.parse(lines[index + 1]?.replace(/,$/, "") as string) as Entry;
      expect(openssl(pem, entry_hash, signature.value), `entry ${index}`).to.equal("Verified OK");
      expect(openssl(pem, `${entry_hash.slice(1)}0`, signature.value)).to.contain("failure");
    }
    const root = `-----BEGIN PUBLIC KEY-----\n${trust.entry_roots[0]}\n-----END PUBLIC KEY-----\n`;
    const spki = pem.split("\n").slice(1, -2).join("");
    const { key_id, first_sequence, created_at, backend, certificate } = key as Bundle["signing_keys"][0];
    const said = ["killcord-entry-key/v1", header.log, key_id, first_sequence, created_at, backend, spki];
    expect(openssl(root, `${said.join("\n")}\n`, certificate)).to.equal("Verified OK");
  });

  /** What `openssl dgst -verify` says. */
  function openssl(pem: string, message: string, signature: string): string {
    const place = mkdtempSync(join(folder, "openssl-"));
    writeFileSync(join(place, "key.pem"), pem);
    writeFileSync(join(place, "message"), message);
    writeFileSync(join(place, "signature"), Buffer.from(signature, "base64"));
    const args = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"];
    const { stdout, stderr } = spawnSync("openssl", args, { cwd: place, encoding: "utf8" });
    rmSync(place, { recursive: true });
    return (stdout + stderr).split("\n")[0] as string;
  }
});
