/** Watches of a real server by clients of three makes: Connect, grpc-js, and curl. */
import { execFileSync, spawn } from "node:child_process";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect } from "chai";
import { CredentialService } from "../../gen/killcord/v1/credential_pb.js";
import {
  SessionService,
  SessionStatus,
  type WatchSessionResponse,
  type WatchSessionsResponse,
} from "../../gen/killcord/v1/session_pb.js";
import { VaultService, type WatchEntriesResponse } from "../../gen/killcord/v1/vault_pb.js";
import { eventsIn } from "../rest/events.js";
import { type GrpcClient, openGrpcClient, statusOf } from "../rpc/grpc-client.js";
import { type Served, serve } from "./served.js";

type Message = WatchSessionResponse | WatchSessionsResponse;

describe("watches of a real server", function () {
  // Servers are started and a thousand streams opened, maybe on a busy machine.
  this.timeout(60_000);
  let server: Served;
  let client: GrpcClient;
  before(async () => {
    server = await serve();
    client = openGrpcClient(server.address, { "x-api-key": server.admin_key });
  });
  after(async () => {
    client.close();
    await server.end();
  });

  async function start(agentId: string, key = client): Promise<string> {
    const { message, status } = await key.unary(SessionService.method.startSession, { agentId });
    expect(status.code, status.details).to.equal(0);
    return message?.session?.sessionId ?? "";
  }
  const kill = (sessionId: string) =>
    client.unary(SessionService.method.killSession, { sessionId, reason: "enough" });

  it("a kill shows in Connect, in grpc-js and in curl", async function () {
    try {
      execFileSync("curl", ["--version"]);
    } catch {
      // Said aloud by the test runner, and counted.
      this.skip();
    }
    const session_id = await start("loan-bot");
    const grpc = gathering(client.stream(SessionService.method.watchSessions, { agentId: "loan-bot" }));
    const connect = overConnect(server, { agentId: "loan-bot" });
    const curls = [[], ["--http2-prior-knowledge"]].map((flags) =>
      curl(server, `/v1/enforce/sessions:watch?agent_id=loan-bot`, flags),
    );
    const one = curl(server, `/api/v1/enforce/sessions/${session_id}/watch`);
    await Promise.all(
      [grpc, connect, ...curls, one].map((each) => each.until((text) => /bookmark/.test(text))),
    );
    await kill(session_id);
    for (const each of [grpc, connect, ...curls, one]) {
      await each.until((text) => text.includes(session_id) && /killed|"status":3/i.test(text));
      each.end();
    }
    const events = eventsIn(one.text());
    expect(events.map(({ event }) => event)).to.deep.equal(["session", "bookmark", "session"]);
    expect(JSON.parse(events[2]?.data ?? "").session).to.include({ status: "killed", kill_reason: "enough" });
    // The end of the run is the end of its stream.
    expect(await one.ended).to.equal(0);
  });

  it("a reader that was away learns the stop by its token, also from a server that was restarted", async () => {
    const first = await serve();
    let reader = openGrpcClient(first.address, { "x-api-key": first.admin_key });
    const ids = [];
    for (const agentId of ["a", "b"]) {
      const { message } = await reader.unary(SessionService.method.startSession, { agentId });
      ids.push(message?.session?.sessionId ?? "");
    }
    const before = gathering(reader.stream(SessionService.method.watchSessions, {}));
    await before.until((text) => text.includes("bookmark"));
    const token = before.messages.at(-1)?.resumeToken ?? "";
    before.end();
    await reader.unary(SessionService.method.killSession, { sessionId: ids[0] ?? "" });
    reader.close();
    await first.end();
    const again = await serve({ data: first.data });
    reader = openGrpcClient(again.address, { "x-api-key": again.admin_key });
    const after = gathering(reader.stream(SessionService.method.watchSessions, { resumeToken: token }));
    await after.until((text) => text.includes("bookmark"));
    const states = after.messages.flatMap(({ update }) => (update.case === "session" ? [update.value] : []));
    expect(states.map(({ sessionId, status }) => [sessionId, status])).to.deep.equal([
      [ids[0], SessionStatus.KILLED],
      [ids[1], SessionStatus.ACTIVE],
    ]);
    after.end();
    reader.close();
    const events = curl(again, "/v1/enforce/sessions:watch", ["-H", `Last-Event-ID: ${token}`]);
    await events.until((text) => text.includes("event: bookmark"));
    expect(JSON.parse(eventsIn(events.text())[0]?.data ?? "").session).to.include({ session_id: ids[0] });
    // A stop of the server ends the stream with a bookmark that says so.
    await again.end();
    expect(await events.ended).to.equal(0);
    expect(JSON.parse(eventsIn(events.text()).at(-1)?.data ?? "").bookmark).to.deep.equal({ draining: true });
  });

  it("an agent sees its own alone, and is refused what it names of others", async () => {
    const agents = [];
    for (const name of ["own-bot", "other-bot"]) {
      const { message } = await client.unary(CredentialService.method.registerAgent, { name });
      agents.push(openGrpcClient(server.address, { "x-api-key": message?.credential?.secret ?? "" }));
    }
    const [own, other] = agents as [GrpcClient, GrpcClient];
    const theirs = await start("other-bot", other);
    const mine = await start("own-bot", own);
    const watch = gathering(own.stream(SessionService.method.watchSessions, {}));
    await watch.until((text) => text.includes("bookmark"));
    await kill(theirs);
    await kill(mine);
    await watch.until((text) => text.includes("enough"));
    expect(watch.text()).to.include(mine).and.not.to.include(theirs);
    watch.end();
    const named = statusOf(
      own.stream(SessionService.method.watchSessions, { sessionIds: [mine, theirs] }).resume(),
    );
    expect((await named).code).to.equal(7);
    const filtered = gathering(own.stream(SessionService.method.watchSessions, { agentId: "other-bot" }));
    await filtered.until((text) => text.includes("bookmark"));
    expect(filtered.text()).not.to.include(theirs);
    filtered.end();
    own.close();
    other.close();
  });

  it("a revoked credential's watch tells what the revocation stopped, then ends", async () => {
    const made = await client.unary(CredentialService.method.registerAgent, { name: "lost-bot" });
    const lost = openGrpcClient(server.address, { "x-api-key": made.message?.credential?.secret ?? "" });
    const session_id = await start("lost-bot", lost);
    const watch = gathering(lost.stream(SessionService.method.watchSessions, {}));
    await watch.until((text) => text.includes("bookmark"));
    await client.unary(CredentialService.method.revokeCredential, {
      credentialId: made.message?.credential?.credentialId ?? "",
    });
    expect((await watch.status).details).to.match(/revoked/);
    const last = watch.messages.at(-1)?.update;
    expect(last?.case === "session" && [last.value.sessionId, last.value.status]).to.deep.equal([
      session_id,
      SessionStatus.KILLED,
    ]);
    lost.close();
  });

  it("of kills alone tells each kill, and nothing else", async () => {
    const watch = gathering(
      client.stream(SessionService.method.watchSessions, { status: [SessionStatus.KILLED] }),
    );
    await watch.until((text) => text.includes("bookmark"));
    const [ended, killed] = [await start("x"), await start("x")];
    await client.unary(SessionService.method.endSession, { sessionId: ended });
    await kill(killed);
    await watch.until((text) => text.includes("enough"));
    const told = watch.messages.flatMap(({ update }) =>
      update.case === "session" ? [update.value.sessionId] : [],
    );
    expect(told).to.deep.equal([killed]);
    watch.end();
  });

  it("every entry of the log is told, and goes on from a token", async () => {
    const { messages: before, ...watch } = gathering<WatchEntriesResponse>(
      client.stream(VaultService.method.watchEntries, { fromSequence: 0n }),
    );
    await watch.until((text) => text.includes("bookmark"));
    await start("entry-bot");
    await watch.until((text) => text.includes("entry-bot"));
    watch.end();
    const sequences = before.flatMap(({ update }) =>
      update.case === "entry" ? [Number(update.value.sequenceNumber)] : [],
    );
    expect(sequences).to.deep.equal([...sequences.keys()]);
    const { message } = await client.unary(VaultService.method.listEntries, { pageSize: 500 });
    const told = before.flatMap(({ update }) => (update.case === "entry" ? [update.value] : []));
    expect(told).to.deep.equal(message?.entries.slice(0, told.length));

    const resumed = gathering<WatchEntriesResponse>(
      client.stream(VaultService.method.watchEntries, {
        fromSequence: 0n,
        resumeToken: before[2]?.resumeToken ?? "",
      }),
    );
    await resumed.until((text) => text.includes("bookmark"));
    const first = resumed.messages[0]?.update;
    expect(first?.case === "entry" && first.value.sequenceNumber).to.equal(3n);
    resumed.end();
  });

  for (const [what, request, code] of [
    ["a token of another log", { resumeToken: token(["another.example/log", 1]) }, 15],
    ["a token below every log", { resumeToken: token(["another.example/log", -2]) }, 3],
    ["what is no token", { resumeToken: "?" }, 3],
    ["an id that does not exist", { sessionIds: ["sess_none"] }, 5],
    ["ids together with a filter", { sessionIds: ["sess_none"], agentId: "a" }, 3],
  ] as const) {
    it(`${what} is refused`, async () => {
      const stream = client.stream(SessionService.method.watchSessions, request as object);
      expect((await statusOf(stream.resume())).code).to.equal(code);
    });
  }

  it("a token of a log that was rolled back is refused as that, also when the session went with it", async () => {
    const resumeToken = token(["another.example/log", 1]);
    const gone = { sessionId: "sess_none", resumeToken };
    expect((await statusOf(client.stream(SessionService.method.watchSession, gone).resume())).code).to.equal(
      15,
    );
    const many = { sessionIds: ["sess_none"], resumeToken };
    expect((await statusOf(client.stream(SessionService.method.watchSessions, many).resume())).code).to.equal(
      15,
    );
    const path = `/v1/enforce/sessions/sess_none/watch?resume_token=${resumeToken}`;
    const reply = await fetch(server.url + path, { headers: { "x-api-key": server.admin_key } });
    expect(reply.status).to.equal(500);
    const { error } = (await reply.json()) as { error: { code: string; message: string } };
    expect(error.code).to.equal("data_loss");
    expect(error.message).to.include("rolled back or is another one");
  });

  it("an entry that the log does not have yet is refused, since it may have been there", async () => {
    const stream = client.stream(VaultService.method.watchEntries, { fromSequence: 1_000_000n });
    expect((await statusOf(stream.resume())).code).to.equal(15);
  });

  it("a thousand watches on one connection all hear of the kill", async () => {
    const session_id = await start("crowd-bot");
    const method = SessionService.method.watchSession;
    const watches = Array.from({ length: 1000 }, () =>
      gathering(client.stream(method, { sessionId: session_id })),
    );
    await Promise.all(watches.map((watch) => watch.until((text) => text.includes("bookmark"))));
    await kill(session_id);
    const statuses = await Promise.all(watches.map(({ status }) => status));
    expect(statuses.every(({ code }) => code === 0)).to.equal(true);
    for (const { messages } of watches) {
      const { update } = messages.at(-1) as Message;
      expect(update.case === "session" && update.value.status).to.equal(SessionStatus.KILLED);
    }
  });
});

function token(place: readonly [string, number]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** What came of a stream so far, as messages and as text, with a way to wait for more. */
interface Gathered {
  text(): string;
  until(enough: (text: string) => boolean): Promise<void>;
  end(): void;
}

function waiting(): { text: string; wake: () => void; until: Gathered["until"] } {
  const state = {
    text: "",
    wake: () => {},
    async until(enough: (text: string) => boolean) {
      while (!enough(state.text)) {
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
      }
    },
  };
  return state;
}

const asText = (message: unknown) =>
  JSON.stringify(message, (_, value) => (typeof value === "bigint" ? String(value) : value));

function gathering<T = Message>(stream: ReturnType<GrpcClient["stream"]>) {
  const state = waiting();
  const messages: T[] = [];
  stream.on("data", (message: T) => {
    messages.push(message);
    state.text += asText(message);
    state.wake();
  });
  const status = statusOf(stream);
  return { messages, status, text: () => state.text, until: state.until, end: () => stream.cancel() };
}

function overConnect(server: Served, request: { readonly agentId: string }): Gathered {
  const state = waiting();
  const leave = new AbortController();
  const transport = createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" });
  const sessions = createClient(SessionService, transport);
  const read = async () => {
    const headers = { "x-api-key": server.admin_key };
    for await (const message of sessions.watchSessions(request, { headers, signal: leave.signal })) {
      state.text += asText(message);
      state.wake();
    }
  };
  // Left by the test itself.
  read().catch(() => {});
  return { text: () => state.text, until: state.until, end: () => leave.abort() };
}

function curl(
  server: Served,
  path: string,
  flags: readonly string[] = [],
): Gathered & { readonly ended: Promise<number | null> } {
  const state = waiting();
  const child = spawn("curl", ["-sN", ...flags, "-H", `X-API-Key: ${server.admin_key}`, server.url + path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    state.text += chunk;
    state.wake();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { text: () => state.text, until: state.until, end: () => void child.kill(), ended };
}
