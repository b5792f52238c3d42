import { once } from "node:events";
import { text } from "node:stream/consumers";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect } from "chai";
import {
  type KillSessionRequest,
  type ListSessionsRequest,
  ListSessionsResponseSchema,
  SessionService,
  SessionStatus,
  type UpdateBudgetsRequest,
  type WatchSessionsRequest,
} from "../../gen/killcord/v1/session_pb.js";
import { invoke, killcord, launch } from "./killcord.js";
import { activeSession, heldSession, killedSession, session_id } from "./samples.js";
import { refusal, type ScriptedServer, scriptedServer } from "./scripted-server.js";

describe("killcord sessions", () => {
  let server: ScriptedServer;
  const lists: ListSessionsRequest[] = [];
  const kills: KillSessionRequest[] = [];
  const raises: UpdateBudgetsRequest[] = [];
  const watched: WatchSessionsRequest[] = [];
  /** What each connection of a watch of many tells, one after the other. */
  const watches: (ReturnType<typeof activeSession> | "lost")[][] = [];
  const other_id = `${session_id.slice(0, -1)}9`;

  before(async () => {
    server = await scriptedServer((router) => {
      router.service(SessionService, {
        listSessions: (request) => {
          lists.push(request);
          const second = request.pageToken === "next";
          return create(ListSessionsResponseSchema, {
            sessions: second ? [killedSession()] : [activeSession()],
            total: 2n,
            ...(second ? {} : { nextPageToken: "next" }),
          });
        },
        getSession: (request) => {
          if (request.sessionId === session_id) return { session: killedSession() };
          throw refusal(Code.NotFound, "session_not_found", `no session "${request.sessionId}"`);
        },
        killSession: (request) => {
          kills.push(request);
          return { session: killedSession() };
        },
        pauseSession: ({ reason = "" }) => ({ session: heldSession(reason) }),
        resumeSession: () => ({ session: activeSession() }),
        updateBudgets: (request) => {
          raises.push(request);
          return { session: { ...activeSession(), budgets: request.budgets } };
        },
        endSession: () => ({ session: { ...activeSession(), status: SessionStatus.ENDED } }),
        watchSessions: async function* (request) {
          watched.push(request);
          const states = watches.shift();
          if (states === undefined || states.length === 0) throw refusal(Code.NotFound, "x", "not scripted");
          for (const [i, state] of states.entries()) {
            if (state === "lost") throw refusal(Code.ResourceExhausted, "overloaded", "you read too slowly");
            yield {
              update: { case: "session", value: state },
              revision: BigInt(i),
              resumeToken: `token-${i + 1}`,
            };
          }
          yield {
            update: { case: "session", value: { ...killedSession(), sessionId: other_id } },
            revision: 9n,
            resumeToken: "token-9",
          };
        },
        watchSession: async function* () {
          yield { update: { case: "session", value: activeSession(17) }, revision: 7n, resumeToken: "a" };
          yield { update: { case: "bookmark", value: {} }, revision: 8n, resumeToken: "b" };
          yield { update: { case: "session", value: activeSession(18) }, revision: 9n, resumeToken: "c" };
          // As on a new connection, which begins with the present state.
          yield { update: { case: "session", value: activeSession(18) }, revision: 9n, resumeToken: "c" };
          yield { update: { case: "session", value: killedSession() }, revision: 11n, resumeToken: "d" };
        },
      });
    });
  });
  after(() => server.close());
  beforeEach(() => {
    lists.length = 0;
    kills.length = 0;
    raises.length = 0;
    watched.length = 0;
    watches.length = 0;
  });

  const sessions = (...words: string[]) => invoke(["sessions", ...words, "--url", server.url]);

  it("list shows status, agent, label, a bar of actions, age and time left, aligned", async () => {
    const { status, stdout, stderr } = await sessions("list", "--all");
    expect(status, stderr).to.equal(0);
    expect(stdout.split("\n")).to.deep.equal([
      "STATUS    SESSION                        AGENT     LABEL              ACTIONS            AGE     LEFT  STOPPED BY",
      `● active  ${session_id}  loan-bot  loan-risk monitor  █░░░░░░░░░ 17/200  41s  59m 19s`,
      `■ killed  ${session_id}  loan-bot  loan-risk monitor  █░░░░░░░░░ 18/200  41s        -  manual`,
      "",
    ]);
  });

  it("list hands its filters on, and says how to see more", async () => {
    const { status, stdout, stderr } = await sessions(
      ...["list", "--status", "active", "--status", "killed", "--agent", "loan-bot", "--page-size", "1"],
    );
    expect(status).to.equal(0);
    expect(stdout).to.contain("active").and.not.to.contain("killed");
    expect(stderr).to.equal("killcord: 1 of 2 shown: add --all, or --page-token next\n");
    const { status: statuses, agentId, credentialId, pageSize } = lists[0]!;
    expect([statuses, agentId, credentialId, pageSize]).to.deep.equal([[1, 3], "loan-bot", undefined, 1]);
  });

  it("list --json is the REST reply, with all pages in one", async () => {
    const { stdout } = await sessions("list", "--all", "--json");
    const reply = JSON.parse(stdout);
    expect(Object.keys(reply)).to.deep.equal(["ok", "sessions", "total"]);
    expect(reply.sessions).to.have.length(2);
    expect(reply.sessions[0]).to.deep.equal({
      session_id,
      status: "active",
      agent_id: "loan-bot",
      label: "loan-risk monitor",
      budgets: { max_actions: 200, ttl_seconds: 3600, on_exceeded: "terminate" },
      consumed: { actions: 17, tokens: 0, cost_usd_micros: 0, elapsed_seconds: 41 },
      started_at: "2026-11-22T20:17:00.125Z",
      expires_at: "2026-11-22T21:17:00.125Z",
    });
  });

  it("get shows why a session stopped, and --json has its fields on top", async () => {
    const [words, json] = await Promise.all([
      sessions("get", session_id),
      sessions("get", session_id, "--json"),
    ]);
    expect(words.stdout).to.match(/^status +■ killed$/m);
    expect(words.stdout).to.match(/^stop reason +manual$/m);
    expect(words.stdout).to.match(/^reason +manual stop$/m);
    expect(words.stdout).to.match(/^halt +halt_0c1d2e3f4a5b$/m);
    const reply = JSON.parse(json.stdout);
    expect([reply.ok, reply.session_id, reply.stop_reason]).to.deep.equal([true, session_id, "manual"]);
  });

  it("get of an unknown session ends with 1", async () => {
    const { status, stdout, stderr } = await sessions("get", "sess_nobody");
    expect([status, stdout, stderr]).to.deep.equal([1, "", 'killcord: no session "sess_nobody"\n']);
  });

  it("kill sends the reason and prints the final state", async () => {
    const { status, stdout } = await sessions("kill", session_id, "--reason", "runaway loop");
    expect([status, kills[0]?.sessionId, kills[0]?.reason]).to.deep.equal([0, session_id, "runaway loop"]);
    expect(stdout).to.match(/^status +■ killed$/m);
  });

  it("pause prints why and since when it is held, resume that it is active", async () => {
    const held = await sessions("pause", session_id, "--reason", "who asked");
    expect(held.status, held.stderr).to.equal(0);
    expect(held.stdout)
      .to.match(/^status +◐ paused$/m)
      .and.to.match(/^reason +who asked$/m);
    expect(held.stdout).to.match(/^paused +2026-/m);
    const active = await sessions("resume", session_id);
    expect([active.status, /^status +● active$/m.test(active.stdout)]).to.deep.equal([0, true]);
  });

  it("budgets sends the limits that are to be raised and no other, and prints the session", async () => {
    const raised = await sessions(
      "budgets",
      session_id,
      "--max-cost-usd",
      "7.50",
      "--ttl",
      "2h",
      "--reason",
      "asked",
    );
    expect(raised.status, raised.stderr).to.equal(0);
    expect(raised.stdout).to.match(/^cost +\S+ \$0\.00\/\$7\.50, \$7\.50 left$/m);
    const { budgets, reason, sessionId } = raises[0]!;
    expect([sessionId, reason, budgets?.maxCostUsd, budgets?.ttlSeconds]).to.deep.equal([
      session_id,
      "asked",
      "7.50",
      7200n,
    ]);
    expect([budgets?.maxActions, budgets?.maxTokens]).to.deep.equal([undefined, undefined]);
    const json = await sessions("budgets", session_id, "--max-tokens", "5", "--max-actions", "6", "--json");
    expect(JSON.parse(json.stdout).budgets).to.deep.equal({
      max_actions: 6,
      max_tokens: 5,
      on_exceeded: "terminate",
    });
    for (const words of [[], ["--max-cost-usd", "0.0000001"], ["--max-tokens", "-1"]]) {
      const { status } = await sessions("budgets", session_id, ...words);
      expect(status, words.join(" ")).to.equal(2);
    }
    expect(raises).to.have.length(2);
  });

  it("end prints the ended session", async () => {
    const { status, stdout } = await sessions("end", session_id);
    expect(status).to.equal(0);
    expect(stdout).to.match(/^status +○ ended$/m);
  });

  it("watch prints each state once, and at the end why it stopped", async () => {
    const { status, stdout, stderr } = await killcord(["sessions", "watch", session_id, "--url", server.url]);
    expect([status, stderr]).to.deep.equal([0, ""]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).to.have.length(4);
    expect(lines[0]).to.match(/^\d\d:\d\d:\d\d {2}● active {2}█░+ 17\/200$/);
    expect(lines[1]).to.match(/^\d\d:\d\d:\d\d {2}● active {2}█░+ 18\/200$/);
    expect(lines[2]).to.match(/^\d\d:\d\d:\d\d {2}■ killed {2}█░+ 18\/200$/);
    expect(lines[3]).to.equal("killed (manual: manual stop) after 18 actions in 41s");
  });

  it("watch of many prints a line a change, whose it is and how it stopped, over a lost connection", async () => {
    watches.push([activeSession(17), activeSession(18), "lost"], [activeSession(18), killedSession()]);
    const { status, stdout, stderr } = await killcord([
      "sessions",
      "watch",
      session_id,
      other_id,
      "--url",
      server.url,
    ]);
    expect(status).to.equal(0);
    expect(stderr).to.match(/^killcord: the connection was lost \(.*\): connecting again\n$/);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.slice("12:34:56  ".length))).to.deep.equal([
      `● active  ${session_id}  loan-bot  loan-risk monitor  █░░░░░░░░░ 17/200`,
      `● active  ${session_id}  loan-bot  loan-risk monitor  █░░░░░░░░░ 18/200`,
      `■ killed  ${session_id}  loan-bot  loan-risk monitor  █░░░░░░░░░ 18/200  manual: manual stop`,
      `■ killed  ${other_id}  loan-bot  loan-risk monitor  █░░░░░░░░░ 18/200  manual: manual stop`,
    ]);
    expect(watched.map(({ sessionIds, resumeToken }) => [sessionIds, resumeToken])).to.deep.equal([
      [[session_id, other_id], ""],
      [[session_id, other_id], "token-2"],
    ]);
  });

  it("watch hands its filter on, and takes no ids with it", async () => {
    watches.push([]);
    const filter = ["--agent", "a", "--label", "l", "--status", "killed", "--status", "active"];
    await sessions("watch", ...filter);
    expect(watched).to.have.length(1);
    const { sessionIds, agentId, label, status } = watched[0]!;
    expect([sessionIds, agentId, label, status]).to.deep.equal([[], "a", "l", [3, 1]]);
    const refused = await sessions("watch", session_id, "--agent", "a");
    expect([refused.status, watched.length]).to.deep.equal([2, 1]);
  });

  it("watch --json prints one JSON line a message", async () => {
    const { status, stdout } = await sessions("watch", session_id, "--json");
    expect(status).to.equal(0);
    const messages = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(messages.map(({ revision, resume_token }) => [revision, resume_token])).to.deep.equal([
      [7, "a"],
      [8, "b"],
      [9, "c"],
      [9, "c"],
      [11, "d"],
    ]);
    expect(messages[1].bookmark).to.deep.equal({ draining: false });
    expect(messages[4].session.status).to.equal("killed");
  });
});

describe("a reader of the list that leaves at once", () => {
  it("brings no complaint", async () => {
    const server = await scriptedServer((router) => {
      router.service(SessionService, { listSessions: () => ({ sessions: [activeSession()], total: 1n }) });
    });
    try {
      const child = launch(["sessions", "list", "--url", server.url]);
      child.stdout.destroy();
      const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, "close")]);
      expect([status, stderr]).to.deep.equal([0, ""]);
    } finally {
      await server.close();
    }
  });
});

describe("what agents call themselves", () => {
  it("has no power over the terminal", async () => {
    const hostile = "x\u001b[2J\u009b31m\u202enib\nSTATUS";
    const server = await scriptedServer((router) => {
      router.service(SessionService, {
        listSessions: () => ({ sessions: [{ ...activeSession(), label: hostile }], total: 1n }),
      });
    });
    try {
      const [words, json] = await Promise.all([
        invoke(["sessions", "list", "--url", server.url]),
        invoke(["sessions", "list", "--url", server.url, "--json"]),
      ]);
      expect(words.stdout).to.contain("x\\u001b[2J\\u009b31m\\u202enib\\u000aSTATUS");
      const printed = (words.stdout + json.stdout).replaceAll("\n", "");
      expect(printed).not.to.match(/[\p{Cc}\u202e]/u);
      expect(JSON.parse(json.stdout).sessions[0].label).to.equal(hostile);
    } finally {
      await server.close();
    }
  });
});
