import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { actionType, answerTo, readEvent } from "../../src/cli/hook-words.js";
import { curl, freshFolder, type Served, serve } from "../server/served.js";

describe("what a hook reads and answers", () => {
  it("is an event with its tool and its agent's session", () => {
    const text = `{"hook_event_name":"PreToolUse","session_id":"a","tool_name":"Bash","tool_input":{"command":"ls"},"tool_use_id":"t","new":1}`;
    expect(readEvent(text)).to.deep.equal({
      name: "PreToolUse",
      coding_session: "a",
      tool: "Bash",
      input: `{"command":"ls"}`,
      use_id: "t",
    });
  });

  it("is refused when what it needs is missing", () => {
    const bad = ["", "[", "null", "{}", `{"hook_event_name":"PreToolUse","tool_name":"x"}`];
    bad.push(`{"hook_event_name":"PreToolUse","session_id":"a"}`);
    for (const text of bad) expect(() => readEvent(text), text).to.throw("no event of a hook");
  });

  it("names actions as the API takes them", () => {
    expect(actionType("mcp__db__query")).to.equal("mcp__db__query");
    expect(actionType("Bash (é)")).to.equal("Bash__é_".replace("é", "_"));
    expect(actionType("x".repeat(300))).to.have.length(128);
  });

  it("never takes an unknown verdict for an allow", () => {
    const { hookSpecificOutput } = answerTo(99 as Verdict, "new", true);
    expect(hookSpecificOutput?.permissionDecision).to.equal("deny");
    expect(answerTo(Verdict.UNSPECIFIED, "none", true).hookSpecificOutput?.permissionDecision).to.equal(
      "deny",
    );
    expect(answerTo(Verdict.ESCALATE, "ask", false).hookSpecificOutput?.permissionDecision).to.equal("ask");
    expect(answerTo(Verdict.ALLOW, "fine", false)).to.deep.equal({});
  });
});

describe("killcord hook", function () {
  this.timeout(30_000);
  let server: Served;
  let state = "";

  before(async () => {
    server = await serve();
  });
  after(async () => {
    await server.end();
  });
  beforeEach(() => {
    state = freshFolder();
  });

  async function hook(
    event: object | string,
    words: readonly string[] = [],
    env: Record<string, string> = {},
  ) {
    const child = spawn(process.execPath, [resolve("dist/src/main.js"), "hook", ...words], {
      env: {
        PATH: process.env.PATH,
        XDG_STATE_HOME: state,
        KILLCORD_URL: server.url,
        KILLCORD_API_KEY: server.admin_key,
        ...env,
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const ended = new Promise<number | null>((yes) => child.once("close", yes));
    child.stdin.on("error", () => {});
    child.stdin.end(typeof event === "string" ? event : JSON.stringify(event));
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const status = await ended;
    return { status, stderr, answer: stdout === "" ? null : JSON.parse(stdout) };
  }
  const tool = (session_id: string, tool_use_id: string) => ({
    hook_event_name: "PreToolUse",
    session_id,
    tool_name: "Bash",
    tool_input: { command: "ls" },
    tool_use_id,
  });
  const sessions = async (agent: string) =>
    (await curl(server, `/v1/enforce/sessions?agent_id=${agent}`, server.admin_key)).sessions;

  it("opens one session for one of the agent's, also by two hooks at once, and counts a call once", async () => {
    const both = [hook(tool("one", "t1"), ["--agent", "pair"]), hook(tool("one", "t1"), ["--agent", "pair"])];
    for (const { status, answer } of await Promise.all(both)) {
      expect(status).to.equal(0);
      expect(answer).to.deep.equal({});
    }
    await hook(tool("one", "t2"), ["--agent", "pair"]);
    const found = await sessions("pair");
    expect(found).to.have.length(1);
    expect(found[0].consumed.actions).to.equal(2);
  });

  it("leaves the agent's own questions to it unless told to approve", async () => {
    expect((await hook(tool("own", "t1"))).answer).to.deep.equal({});
    const { answer } = await hook(tool("own", "t2"), ["--approve"]);
    expect(answer.hookSpecificOutput.permissionDecision).to.equal("allow");
  });

  it("ends the agent's run at the next call once its session is stopped, whatever becomes of the file", async () => {
    await hook(tool("stopped", "t1"), ["--agent", "stopped"]);
    const [{ session_id }] = await sessions("stopped");
    await curl(server, `/v1/enforce/sessions/${session_id}/kill`, server.admin_key, { reason: "enough" });
    for (const folder of [state, freshFolder()]) {
      const { status, answer } = await hook(tool("stopped", "t2"), ["--agent", "stopped"], {
        XDG_STATE_HOME: folder,
      });
      expect(status).to.equal(0);
      expect(answer.continue).to.equal(false);
      expect(answer.stopReason).to.contain("enough");
      expect(answer.hookSpecificOutput.permissionDecision).to.equal("deny");
    }
    const after = await hook({ hook_event_name: "PostToolUse", session_id: "stopped", tool_name: "Bash" });
    expect(after.answer.continue).to.equal(false);
    expect(await sessions("stopped")).to.have.length(1);
  });

  it("ends its session with the agent's, and opens another when the agent takes it up again", async () => {
    await hook(tool("again", "t1"), ["--agent", "again"]);
    await hook({ hook_event_name: "SessionEnd", session_id: "again", reason: "exit" });
    expect((await sessions("again"))[0].status).to.equal("ended");
    expect((await hook(tool("again", "t2"), ["--agent", "again"])).answer).to.deep.equal({});
    expect(await sessions("again")).to.have.length(2);
  });

  it("denies when it cannot ask: no server, no key, no budget, a halted scope", async () => {
    const nobody = { KILLCORD_URL: "http://127.0.0.1:1" };
    expect(
      (await hook(tool("closed", "t1"), [], nobody)).answer.hookSpecificOutput.permissionDecision,
    ).to.equal("deny");
    const open = await hook(tool("closed", "t1"), ["--fail-open"], nobody);
    expect(open.answer.systemMessage).to.contain("--fail-open lets this pass");
    const key = { KILLCORD_API_KEY: "kc_wrong" };
    const denied = await hook(tool("closed", "t1"), ["--fail-open"], key);
    expect(denied.answer.hookSpecificOutput.permissionDecision).to.equal("deny");
    expect((await hook(tool("spent", "t1"), ["--max-actions", "0"])).answer.continue).to.equal(false);
    await curl(server, "/v1/enforce/halts", server.admin_key, { scope: { kind: "agent", id: "barred" } });
    expect((await hook(tool("barred", "t1"), ["--agent", "barred"])).answer.continue).to.equal(false);
  });

  it("holds the call up by its exit status when it cannot even answer", async () => {
    for (const bad of ["", "{", `{"hook_event_name":"PreToolUse"}`]) {
      const { status, answer, stderr } = await hook(bad);
      expect([status, answer]).to.deep.equal([2, null]);
      expect(stderr).to.contain("the tool call is held up");
    }
    expect((await hook(tool("usage", "t"), ["--no-such"])).status).to.equal(2);
    expect(
      (await hook(tool("usage", "t"), [], { KILLCORD_URL: "nonsense" })).answer.hookSpecificOutput
        .permissionDecision,
    ).to.equal("deny");
  });

  it("asks also where it can keep no file, and does not hang there", async () => {
    const { answer } = await hook(tool("nowhere", "t1"), [], { XDG_STATE_HOME: "/proc/killcord" });
    expect(answer).to.deep.equal({});
  });

  it("does what its page shows", async () => {
    const page = readFileSync("docs/hook.md", "utf8");
    const [settings = "", event = "", stopped = ""] = [...page.matchAll(/```json\n([^`]*)```/g)].map(
      (found) => found[1],
    );
    expect(settings).to.equal(readFileSync("examples/killcord-hook/settings.json", "utf8"));
    const words = JSON.parse(settings).hooks.PreToolUse[0].hooks[0].command.split(" ").slice(2);
    expect((await hook(event, words)).answer).to.deep.equal({});
    const [{ session_id }] = await sessions("coder");
    await curl(server, `/v1/enforce/sessions/${session_id}/kill`, server.admin_key, { reason: "runaway" });
    expect((await hook(event.replace("toolu_1", "toolu_2"), words)).answer).to.deep.equal(
      JSON.parse(stopped),
    );
  });

  it("is stopped at once under killcord run, with a session below the run's", async () => {
    const program = resolve("dist/src/main.js");
    // A coding agent that asks, and then is long in its tool.
    const agent = `echo '${JSON.stringify(tool("deep", "t1"))}' | ${process.execPath} ${program} hook --agent deep && sleep 60`;
    const child = spawn(process.execPath, [program, "run", "--agent", "deep", "--", "sh", "-c", agent], {
      env: {
        PATH: process.env.PATH,
        XDG_STATE_HOME: state,
        KILLCORD_URL: server.url,
        KILLCORD_API_KEY: server.admin_key,
      },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = new Promise<number | null>((yes) => child.once("close", yes));
    for await (const piece of child.stdout.setEncoding("utf8")) {
      if (!piece.includes("{}")) continue;
      const [sub] = (await sessions("deep")).filter(
        (each: { parent_session_id?: string }) => each.parent_session_id,
      );
      await curl(server, `/v1/enforce/sessions/${sub.parent_session_id}/kill`, server.admin_key, {});
    }
    expect(await ended).to.equal(124);
    const statuses = (await sessions("deep")).map(({ status }: { status: string }) => status);
    expect(statuses).to.deep.equal(["killed", "killed"]);
  });
});
