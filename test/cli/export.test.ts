import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import { VaultService } from "../../gen/killcord/v1/vault_pb.js";
import { isExportPath, type Piece, prepareFolder, writeExport } from "../../src/cli/export-files.js";
import { CommandFailure } from "../../src/cli/failure.js";
import { invoke, killcord } from "./killcord.js";
import { refusal, type ScriptedServer, scriptedServer } from "./scripted-server.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const piece = (path: string, text: string): Piece => ({ path, chunk: bytes(text) });
const whole = [
  piece("trust.json", '{"format":'),
  piece("trust.json", '"killcord-trust/v1"}'),
  piece("bundle.json", '{"entries":[\n]}\n'),
  piece("log/tile/0/x001/067.p/8", "tile"),
];

async function* stream(pieces: readonly Piece[]): AsyncIterable<Piece> {
  yield* pieces;
}

describe("an export's folder", () => {
  let top: string;
  let folder: string;
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), "killcord-test-"));
    folder = join(top, "evidence");
  });
  afterEach(() => rm(top, { recursive: true, force: true }));

  const failure = async (work: Promise<unknown>): Promise<CommandFailure> => {
    const reason: unknown = await work.then(
      () => null,
      (error: unknown) => error,
    );
    expect(reason).to.be.instanceOf(CommandFailure);
    return reason as CommandFailure;
  };

  it("gets every file whole, with its size and digest told", async () => {
    await prepareFolder(folder, false);
    const files = await writeExport(folder, stream(whole));
    expect(await readFile(join(folder, "trust.json"), "utf8")).to.equal('{"format":"killcord-trust/v1"}');
    expect(await readFile(join(folder, "log/tile/0/x001/067.p/8"), "utf8")).to.equal("tile");
    expect((await readdir(folder)).sort()).to.deep.equal(["bundle.json", "log", "trust.json"]);
    expect(files[1]).to.deep.equal({
      path: "bundle.json",
      bytes: 16,
      sha256: createHash("sha256").update('{"entries":[\n]}\n').digest("hex"),
    });
  });

  for (const path of [
    "../evil",
    "log/../../evil",
    "log/..",
    "/etc/evil",
    "C:\\evil",
    "log\\..\\evil",
    "log//evil",
    "log/",
    "log",
    "log/.hidden",
    "log/a\u0000b",
    "LOG/tile",
    "keys/entry.p256.pem",
    "bundle.json/..",
    "",
    `log/${"a".repeat(300)}`,
  ]) {
    it(`takes no file named ${JSON.stringify(path).slice(0, 30)}, and keeps nothing of that export`, async () => {
      expect(isExportPath(path)).to.equal(false);
      await prepareFolder(folder, false);
      const { status, message } = await failure(
        writeExport(folder, stream([...whole, piece(path, "gotcha")])),
      );
      expect(status).to.equal(1);
      expect(message).to.contain("not a name of an export");
      expect([await readdir(folder), await readdir(top)]).to.deep.equal([[], ["evidence"]]);
    });
  }

  it("takes no file twice, and no export without its two files", async () => {
    await prepareFolder(folder, false);
    const twice = await failure(writeExport(folder, stream([...whole, piece("bundle.json", "other")])));
    expect(twice.message).to.contain("the export has bundle.json twice");
    const without = await failure(writeExport(folder, stream([piece("trust.json", "{}")])));
    expect(without.message).to.contain("the export has no bundle.json");
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("keeps nothing of an export that breaks off", async () => {
    await prepareFolder(folder, false);
    const broken = async function* (): AsyncIterable<Piece> {
      yield* whole;
      throw new CommandFailure("unavailable", 3, "the server went away");
    };
    expect((await failure(writeExport(folder, broken()))).message).to.equal("the server went away");
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it("with content is refused; with force only the export in it is replaced", async () => {
    await mkdir(join(folder, "log"), { recursive: true });
    await writeFile(join(folder, "log", "stale"), "");
    await writeFile(join(folder, "notes.txt"), "mine");
    const { code, status, message } = await failure(prepareFolder(folder, false));
    expect([code, status]).to.deep.equal(["already_exists", 1]);
    expect(message).to.contain("--force");
    await prepareFolder(folder, true);
    await writeExport(folder, stream(whole.slice(0, 3)));
    expect((await readdir(folder)).sort()).to.deep.equal(["bundle.json", "notes.txt", "trust.json"]);
  });

  it("is not left through a link that lies in it", async () => {
    const outside = join(top, "outside");
    await mkdir(outside);
    await mkdir(folder);
    await symlink(outside, join(folder, "log"));
    await symlink(join(outside, "bundle.json"), join(folder, "bundle.json"));
    await prepareFolder(folder, true);
    await writeExport(folder, stream(whole));
    expect(await readdir(outside)).to.deep.equal([]);
    expect(await readFile(join(folder, "bundle.json"), "utf8")).to.contain("entries");
  });

  it("that is a file is refused", async () => {
    await writeFile(folder, "");
    expect((await failure(prepareFolder(folder, true))).status).to.equal(2);
  });
});

describe("killcord export", () => {
  let server: ScriptedServer;
  let top: string;
  let pieces: readonly Piece[] = whole;

  before(async () => {
    server = await scriptedServer((router) => {
      router.service(VaultService, {
        exportBundle: async function* () {
          yield* pieces;
          if (pieces.length === 0)
            throw refusal(Code.PermissionDenied, "insufficient_permissions", "ask an auditor");
        },
      });
    });
  });
  after(() => server.close());
  beforeEach(async () => {
    top = await mkdtemp(join(tmpdir(), "killcord-test-"));
    pieces = whole;
  });
  afterEach(() => rm(top, { recursive: true, force: true }));

  const run = (...words: string[]) =>
    invoke(["export", "--url", server.url, "--out", "evidence", ...words], { cwd: top });

  it("writes the files and says how to check them", async () => {
    const { status, stdout, stderr } = await run();
    expect([status, stderr]).to.deep.equal([0, ""]);
    expect(stdout).to.contain("exported to evidence: check it with `killcord verify evidence`");
    expect((await readdir(join(top, "evidence"))).sort()).to.deep.equal(["bundle.json", "log", "trust.json"]);
  });

  it("--json lists the files", async () => {
    const { stdout } = await run("--json");
    const { ok, files } = JSON.parse(stdout) as { ok: boolean; files: { path: string }[] };
    expect([ok, files.map(({ path }) => path)]).to.deep.equal([
      true,
      ["trust.json", "bundle.json", "log/tile/0/x001/067.p/8"],
    ]);
  });

  it("from a server that names files elsewhere ends with 1 and writes nothing", async () => {
    // What comes after it stays unread, and must not hold the process.
    pieces = [
      ...whole,
      piece("../../evil", "gotcha"),
      ...Array<Piece>(20).fill(piece("bundle.json", "more")),
    ];
    const { status, stderr } = await killcord(["export", "--url", server.url, "--out", "evidence"], {
      cwd: top,
    });
    expect(status).to.equal(1);
    expect(stderr).to.contain('the export has a file "../../evil"').and.to.contain("nothing was written");
    expect(await readdir(top)).to.deep.equal(["evidence"]);
    expect(await readdir(join(top, "evidence"))).to.deep.equal([]);
  });

  it("that is refused ends with 3", async () => {
    pieces = [];
    const { status, stderr } = await run();
    expect([status, stderr]).to.deep.equal([3, "killcord: ask an auditor\n"]);
  });

  it("into a folder with content ends with 1 before the server is asked", async () => {
    await mkdir(join(top, "evidence"));
    await writeFile(join(top, "evidence", "bundle.json"), "older");
    server.requests.length = 0;
    const { status } = await run();
    expect([status, server.requests.length]).to.deep.equal([1, 0]);
    expect(await readFile(join(top, "evidence", "bundle.json"), "utf8")).to.equal("older");
  });
});
