import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { curl, freshFolder, type Served, serve } from "../server/served.js";
import { allGone, anyAlive } from "../supervisor/led.js";
import { needsPython } from "./terminal.js";

const program = resolve("dist/src/main.js");

interface Running {
  readonly process: ChildProcess;
  readonly folder: string;
  stdout(): string;
  stderr(): string;
  /** Its exit status when it has ended; 128 and a number for a signal. */
  readonly ended: Promise<number>;
  /** The id of its session, when it has said it. */
  session(): Promise<string>;
  /** What a file of its folder holds, when the command has written it. */
  wrote(name: string): Promise<string>;
}

describe("killcord run", function () {
  this.timeout(40_000);
  let server: Served;
  let agent_key = "";

  const started: ChildProcess[] = [];

  afterEach(() => {
    // What a test that failed has left: their guards do the rest.
    for (const child of started.splice(0)) child.kill("SIGKILL");
  });
  before(async function () {
    needsPython(this);
    server = await serve();
    const made = await curl(server, "/v1/keys", server.admin_key, { name: "agents", roles: ["agent"] });
    agent_key = made.secret;
  });
  after(async () => {
    await server?.end();
  });

  function run(
    words: readonly string[],
    more: { url?: string; env?: NodeJS.ProcessEnv; stdin?: string } = {},
  ): Running {
    const folder = freshFolder();
    mkdirSync(folder, { recursive: true });
    const child = spawn(process.execPath, [program, "run", ...words], {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        KILLCORD_URL: more.url ?? server.url,
        KILLCORD_API_KEY: agent_key,
        FOLDER: folder,
        ...more.env,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    started.push(child);
    child.stdin.end(more.stdin ?? "");
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr += text;
    });
    const running = {
      process: child,
      folder,
      stdout: () => output.stdout,
      stderr: () => output.stderr,
      ended: new Promise<number>((yes) => child.once("close", (code) => yes(code ?? -1))),
      session: async () => {
        for (;;) {
          const found = /sess_[0-9a-f]{24}/.exec(output.stderr)?.[0];
          if (found !== undefined) return found;
          await pause(10);
        }
      },
      wrote: async (name: string) => {
        for (;;) {
          const file = join(folder, name);
          const text = existsSync(file) ? readFileSync(file, "utf8") : "";
          if (text.endsWith("\n")) return text;
          if (child.exitCode !== null) throw new Error(`it ended: ${output.stderr}`);
          await pause(10);
        }
      },
    };
    return running;
  }
  const operate = (session: string, what: string, body: object = {}) =>
    curl(server, `/v1/enforce/sessions/${session}/${what}`, server.admin_key, body);
  const get = (session: string) => curl(server, `/v1/enforce/sessions/${session}`, server.admin_key);
  /** The halt of a session as soon as it stands as wanted. */
  async function haltOf(session: string, wanted: (target: Record<string, unknown>) => boolean) {
    for (;;) {
      const { halt_id } = await get(session);
      const halt = await curl(server, `/v1/enforce/halts/${halt_id}`, server.admin_key);
      const target = (halt.targets ?? halt.sessions ?? []).find(
        (each: { session_id: string }) => each.session_id === session,
      );
      if (target !== undefined && wanted(target)) return target;
      await pause(20);
    }
  }

  it("passes input, output and the exit status through, and ends the session", async () => {
    const running = run(
      ["--agent", "echoing", "--", "sh", "-c", "echo $KILLCORD_SESSION_ID; cat; echo no >&2; exit 5"],
      {
        stdin: "line\n",
      },
    );
    expect(await running.ended).to.equal(5);
    const session = await running.session();
    expect(running.stdout()).to.equal(`${session}\nline\n`);
    expect(running.stderr()).to.match(/^no$/m);
    expect(await get(session)).to.include({ status: "ended", agent_id: "echoing", lease_seconds: 30 });
  });

  it("limits what the run may ask for and spend, and what it may cost to the micro-USD", async () => {
    const limits = [
      "--max-actions",
      "9",
      "--max-tokens",
      "5000",
      "--max-cost-usd",
      "0.250001",
      "--ttl",
      "1h",
    ];
    const running = run([...limits, "--", "sh", "-c", "echo $KILLCORD_SESSION_ID"]);
    expect(await running.ended).to.equal(0);
    expect((await get(await running.session())).budgets).to.deep.equal({
      max_actions: 9,
      ttl_seconds: 3600,
      max_tokens: 5000,
      max_cost_usd: "0.250001",
      on_exceeded: "terminate",
    });
    expect(await run(["--max-cost-usd", "0.0000001", "--", "true"]).ended).to.equal(2);
  });

  it("numbers the end by a signal, and what cannot be run, as shells do", async () => {
    expect(await run(["--", "sh", "-c", "kill -9 $$"]).ended).to.equal(137);
    const missing = run(["--", "no-such-command"]);
    expect(await missing.ended).to.equal(127);
    expect(missing.stderr()).to.contain("no-such-command: there is no such command");
    expect(await get(await missing.session())).to.include({ status: "ended" });
    const file = join(freshFolder(), "plain");
    writeFileSync(file, "text", { mode: 0o600 });
    const plain = run(["--", file]);
    expect(await plain.ended).to.equal(126);
  });

  it("stops a synchronous Python agent in the middle of a tool call, and says so with evidence", async () => {
    const running = run(["--agent", "py", "--", "python3", resolve("examples/killcord-run/agent.py")]);
    while (!running.stdout().includes("transferring\n")) await pause(10);
    const session = await running.session();
    await operate(session, "kill", { reason: "runaway" });
    expect(await running.ended).to.equal(124);
    expect(running.stdout()).to.equal("transferring\n");
    expect(running.stderr()).to.contain(`session ${session} killed (manual): runaway`);
    expect(running.stderr()).to.contain("every process of the run has ended");
    const target = await haltOf(session, (each) => each.confirmed_at !== undefined);
    expect(target).to.include({ evidence: "group_empty" });
  });

  it("is stopped in good order when nobody reads its lines any more", async () => {
    const running = run(["--", "python3", "-c", sleeper]);
    const session = await running.session();
    await running.wrote("pid");
    running.process.stderr?.destroy();
    await operate(session, "kill");
    expect(await running.ended).to.equal(124);
  });

  it("is stopped by the end of its time too", async () => {
    const running = run(["--ttl", "1s", "--", "sleep", "60"]);
    expect(await running.ended).to.equal(124);
    expect(await get(await running.session())).to.include({ status: "expired", stop_reason: "ttl_expired" });
  });

  it("holds every process while the session is paused", async () => {
    const running = run([
      "--",
      "sh",
      "-c",
      `echo $$ > $FOLDER/pid; while :; do date >> $FOLDER/count; sleep 0.02; done`,
    ]);
    await running.wrote("count");
    const session = await running.session();
    await operate(session, "pause", { reason: "look" });
    while (!running.stderr().includes("held: look")) await pause(10);
    const held = readFileSync(join(running.folder, "count"), "utf8");
    // As long as ten of its rounds: a program that is not held writes in them.
    await pause(200);
    expect(readFileSync(join(running.folder, "count"), "utf8").length).to.be.at.most(held.length + 60);
    await operate(session, "resume");
    while (readFileSync(join(running.folder, "count"), "utf8").length < held.length + 300) await pause(10);
    await operate(session, "pause");
    while (running.stderr().split("held: ").length < 3) await pause(10);
    await operate(session, "kill");
    expect(await running.ended).to.equal(124);
  });

  it("holds the program at its budget, and lets it go on when that is raised", async () => {
    const running = run([
      ...["--max-tokens", "100", "--max-cost-usd", "0.5", "--on-exceeded", "pause"],
      ...["--", "sh", "-c", "echo up > $FOLDER/up; sleep 60"],
    ]);
    await running.wrote("up");
    const session_id = await running.session();
    const action = { session_id, action_type: "call_model", cost: { tokens: 150 } };
    const ask = () => curl(server, "/v1/enforce/intercept", server.admin_key, action);
    expect(await ask()).to.include({ decision: "block", session_status: "paused" });
    const why = "held: budget exceeded: max_tokens 100, spent 0, needed 150";
    while (!running.stderr().includes(why)) await pause(10);
    await operate(session_id, "budgets", { budgets: { max_tokens: 200 } });
    while (!running.stderr().includes("going on")) await pause(10);
    expect(await ask()).to.include({ decision: "allow" });
    const { budgets } = await operate(session_id, "kill");
    expect(budgets).to.deep.equal({ max_tokens: 200, max_cost_usd: "0.5", on_exceeded: "pause" });
    expect(await running.ended).to.equal(124);
  });

  it("passes signals on: to the command's group from a terminal, to the command from a person", async () => {
    const script = `trap 'echo term; exit 3' TERM; trap 'echo usr1' USR1; trap 'echo hup' HUP; echo $$ > $FOLDER/pid
      while :; do sleep 0.05; done`;
    const running = run(["--", "bash", "-c", script]);
    await running.wrote("pid");
    for (const [signal, word] of [
      ["SIGUSR1", "usr1"],
      ["SIGHUP", "hup"],
    ] as const) {
      running.process.kill(signal);
      while (!running.stdout().includes(word)) await pause(10);
    }
    running.process.kill("SIGTERM");
    expect(await running.ended).to.equal(3);
    expect(running.stdout()).to.equal("usr1\nhup\nterm\n");
  });

  it("does not start the command when no server answers, nor with a key that is not taken", async () => {
    const closed = await closedPort();
    const running = run(["--", "sh", "-c", "echo started"], { url: closed });
    expect(await running.ended).to.equal(3);
    expect(running.stdout()).to.equal("");
    expect(running.stderr()).to.contain("the program was not started: no answer from");
    const refused = run(["--", "sh", "-c", "echo started"], { env: { KILLCORD_API_KEY: "kc_wrong" } });
    expect(await refused.ended).to.equal(3);
    expect(refused.stdout()).to.equal("");
  });

  it("says in its own words which option or variable is wrong", async () => {
    for (const lease of ["1s", "6m"]) {
      const running = run(["--lease", lease, "--", "sh", "-c", "echo started"]);
      expect(await running.ended).to.equal(2);
      expect(running.stderr()).to.contain(
        `'--lease <time>' argument '${lease}' is invalid. Expected 2s to 5m.`,
      );
    }
    const env = { KILLCORD_API_KEY: "", KILLCORD_DATA: "/nonexistent" };
    const keyless = run(["--", "sh", "-c", "echo started"], { env });
    expect(await keyless.ended).to.equal(3);
    expect(keyless.stderr()).to.equal(
      "killcord: the program was not started: there is no API key: set KILLCORD_API_KEY, or name a file that holds a key with --api-key-file\n",
    );
  });

  it("starts the command without a server only when that is asked for", async () => {
    const running = run(["--fail-open", "--", "sh", "-c", "echo started; exit 4"], {
      url: await closedPort(),
    });
    expect(await running.ended).to.equal(4);
    expect(running.stdout()).to.equal("started\n");
    expect(running.stderr()).to.contain("no server answers: starting the program all the same");
  });

  it("opens a session as soon as a server answers, and is stopped by it", async () => {
    const url = await closedPort();
    const early = await serve();
    await early.end();
    const running = run(["--fail-open", "--", "python3", "-c", sleeper], {
      url,
      env: { KILLCORD_API_KEY: early.admin_key },
    });
    const pid = Number(await running.wrote("pid"));
    const late = await serve({ data: early.data, flags: ["--listen", url.slice("http://".length)] });
    const session = await running.session();
    await curl(late, `/v1/enforce/sessions/${session}/kill`, late.admin_key, {});
    expect(await running.ended).to.equal(124);
    expect(anyAlive([pid])).to.equal(false);
    await late.end();
  });

  it("ends the command itself when its lease is over without the server", async () => {
    const alone = await serve();
    const running = run(["--lease", "2s", "--grace", "1s", "--", "python3", "-c", sleeper], {
      url: alone.url,
      env: { KILLCORD_API_KEY: alone.admin_key },
    });
    const pid = Number(await running.wrote("pid"));
    await alone.end("SIGKILL");
    expect(await running.ended).to.equal(123);
    expect(anyAlive([pid])).to.equal(false);
    expect(running.stderr()).to.contain("within the lease of 2 s");
  });

  it("is refused on a scope that is halted, and starts nothing", async () => {
    const { halt_id } = await curl(server, "/v1/enforce/halts", server.admin_key, {
      scope: { kind: "agent", id: "barred" },
      reason: "key leaked",
    });
    const running = run(["--agent", "barred", "--", "sh", "-c", "echo started"]);
    expect(await running.ended).to.equal(3);
    expect(running.stdout()).to.equal("");
    await curl(server, `/v1/enforce/halts/${halt_id}/lift`, server.admin_key, {});
  });

  it("takes a command that ignores SIGTERM with it when it is killed itself", async () => {
    const running = run([
      "--grace",
      "1s",
      "--",
      "python3",
      "-c",
      `import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n${sleeper}`,
    ]);
    const pid = Number(await running.wrote("pid"));
    running.process.kill("SIGKILL");
    await allGone([pid]);
  });

  it("stops runs within runs, each with its own session", async () => {
    const inner = `${process.execPath} ${program} run --grace 1s -- python3 -c '${sleeper.replaceAll("'", '"')}'`;
    const running = run(["--", "sh", "-c", inner]);
    const pid = Number(await running.wrote("pid"));
    const session = await running.session();
    await operate(session, "kill");
    expect(await running.ended).to.equal(124);
    expect(anyAlive([pid])).to.equal(false);
  });
});

/** A tool call that takes a minute and never awaits. */
const sleeper = `import os, time
open(os.environ["FOLDER"] + "/pid", "w").write("%d\\n" % os.getpid())
time.sleep(60)
`;

/** An address at which nobody listens. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((yes) => server.listen(0, "127.0.0.1", yes));
  const { port } = server.address() as AddressInfo;
  await new Promise((yes) => server.close(yes));
  return `http://127.0.0.1:${port}`;
}
