import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { formatAddCheckpoint } from "../../src/vault/add-checkpoint.js";
import { origin } from "../vault/verify/made.js";
import { growth, log_vkeys, treeOf } from "./log.js";

describe("killcord witness", () => {
  let folder = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "killcord-witness-"));
    writeFileSync(join(folder, "logs"), `# ${origin}\n${log_vkeys.join("\n")}\n`);
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function run(...args: readonly string[]) {
    const child = spawn(process.execPath, [
      "dist/src/main.js",
      "witness",
      "--data",
      join(folder, "w"),
      ...args,
    ]);
    let error = "";
    child.stderr.on("data", (chunk) => {
      error += chunk;
    });
    const ended = once(child, "close").then(([code]) => ({ code: code as number, error }));
    return { child, ended };
  }

  it("cosigns over HTTP with the statuses and types of C2SP, and stops when told", async () => {
    const { child, ended } = run(
      "--listen",
      "127.0.0.1:0",
      "--name",
      "w.example/1",
      "--logs",
      join(folder, "logs"),
    );
    const [first, second] = await firstLines(child.stdout, 2);
    const url = second?.replace("listens on ", "");
    const vkey = first?.replace("Witness ", "");
    const told = async (path: string, init: RequestInit = {}) => {
      const reply = await fetch(`${url}${path}`, init);
      return { status: reply.status, type: reply.headers.get("content-type"), body: await reply.text() };
    };
    const add = (body: string) => told("/add-checkpoint", { method: "POST", body });
    const plain = "text/plain; charset=utf-8";

    expect(await told("/vkey")).to.deep.equal({ status: 200, type: plain, body: `${vkey}\n` });
    expect(await add(formatAddCheckpoint(growth(treeOf(5), 0)))).to.include({ status: 200, type: plain });
    expect(await add(formatAddCheckpoint(growth(treeOf(9), 0)))).to.deep.equal({
      status: 409,
      type: "text/x.tlog.size",
      body: "5\n",
    });
    expect(await add(formatAddCheckpoint(growth(treeOf(9, "other"), 5)))).to.include({ status: 422 });
    expect(await add("old 0\n")).to.include({ status: 400 });
    expect(await add("x".repeat(70_000))).to.include({ status: 413 });
    expect(await told("/add-checkpoint")).to.include({ status: 405 });
    expect(await told("/")).to.include({ status: 404 });

    child.kill("SIGTERM");
    expect(await ended).to.deep.equal({ code: 0, error: "" });
  });

  it("says what it lacks", async () => {
    const no_log = await run("--name", "w").ended;
    expect(no_log).to.have.property("code", 2);
    expect(no_log.error).to.contain("no log to vouch for");
    const stranger = await run("--name", "w", "--log", "abc").ended;
    expect(stranger.error).to.contain('"abc" is not the key of a log');
    const nameless = await run("--log", log_vkeys[0] as string).ended;
    expect(nameless).to.have.property("code", 1);
    expect(nameless.error).to.contain("name the new one with --name");
  });
});

async function firstLines(stream: NodeJS.ReadableStream, count: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream })) {
    lines.push(line);
    if (lines.length === count) {
      break;
    }
  }
  return lines;
}
