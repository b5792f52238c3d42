/**
 * The client for TypeScript with a server that is newer or older, or behind a proxy that carries less
 * than the server speaks. Such a server does not exist yet: here it is one of Connect's own, in memory.
 */
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect } from "chai";
import {
  EnforcementService,
  InterceptResponseSchema,
  Verdict,
} from "../../../sdk/typescript/gen/killcord/v1/enforcement_pb.js";
import {
  SessionSchema,
  SessionService,
  SessionStatus,
  StopReason,
} from "../../../sdk/typescript/gen/killcord/v1/session_pb.js";
import {
  ActionBlocked,
  ActionEscalated,
  SessionPaused,
  SessionTerminated,
} from "../../../sdk/typescript/src/node.js";
import { aborted, ManualClock, staged, until } from "./stage.js";

type Sessions = Partial<ServiceImpl<typeof SessionService>>;
type Enforcement = Partial<ServiceImpl<typeof EnforcementService>>;

const id = "sess_000000000000000000000001";

function session(status: number, more: object = {}) {
  return create(SessionSchema, { sessionId: id, status, leaseSeconds: 30, ...more });
}

const active: Sessions = {
  startSession: () => ({ session: session(SessionStatus.ACTIVE) }),
  endSession: () => ({ session: session(SessionStatus.ENDED) }),
  acknowledgeHalt: () => ({ session: session(SessionStatus.KILLED) }),
  heartbeat: () => ({ session: session(SessionStatus.ACTIVE) }),
  async *watchSessions(_, { signal }) {
    yield {
      update: { case: "session" as const, value: session(SessionStatus.ACTIVE) },
      revision: 1n,
      resumeToken: "t1",
    };
    yield { update: { case: "bookmark" as const, value: {} }, revision: 1n, resumeToken: "t1" };
    await aborted(signal);
  },
};

function newerServer(sessions: Sessions, enforcement: Enforcement = {}, clock = new ManualClock()) {
  const transport = createRouterTransport(({ service }) => {
    service(SessionService, { ...active, ...sessions });
    service(EnforcementService, enforcement);
  });
  const openChannel = () => ({ transport, close: () => {} });
  return { clock, ...staged("http://newer.example", "k", { clock, openChannel, random: () => 1 }) };
}

describe("sdk/typescript: a server of another version", () => {
  const answered = async (verdict: number, status: number) => {
    const { client } = newerServer(
      {},
      {
        intercept: () =>
          create(InterceptResponseSchema, { decision: verdict, sessionStatus: status, reasoning: "so" }),
      },
    );
    const session = await client.startSession();
    try {
      return await session.intercept("look");
    } catch (error) {
      return error;
    } finally {
      await client.close();
    }
  };

  it("whose verdict is not known refuses", async () => {
    const error = await answered(9, SessionStatus.ACTIVE);
    expect(error).to.be.instanceOf(ActionBlocked);
    expect(String(error)).to.include("verdict 9 is not known");
    expect(await answered(Verdict.UNSPECIFIED, SessionStatus.ACTIVE)).to.be.instanceOf(ActionBlocked);
  });

  it("whose status is not known refuses, also what it allows", async () => {
    const error = await answered(Verdict.ALLOW, 9);
    expect(error).to.be.instanceOf(ActionBlocked);
    expect(String(error)).to.include("unknown_9");
    expect(await answered(Verdict.ALLOW, SessionStatus.UNSPECIFIED)).to.be.instanceOf(ActionBlocked);
    expect(await answered(Verdict.ALLOW, SessionStatus.PAUSED)).to.be.instanceOf(SessionPaused);
  });

  it("has each verdict that is known heard as what it is", async () => {
    expect(await answered(Verdict.ALLOW, SessionStatus.ACTIVE)).to.deep.include({ offline: false });
    expect(await answered(Verdict.BLOCK, SessionStatus.ACTIVE))
      .to.be.instanceOf(ActionBlocked)
      .and.not.instanceOf(SessionPaused);
    expect(await answered(Verdict.BLOCK, SessionStatus.PAUSED)).to.be.instanceOf(SessionPaused);
    expect(await answered(Verdict.ESCALATE, SessionStatus.ACTIVE)).to.be.instanceOf(ActionEscalated);
    expect(await answered(Verdict.TERMINATE, SessionStatus.KILLED)).to.be.instanceOf(SessionTerminated);
    expect(await answered(Verdict.TERMINATE, 9)).to.be.instanceOf(SessionTerminated);
    expect(await answered(Verdict.ALLOW, SessionStatus.KILLED)).to.be.instanceOf(SessionTerminated);
  });

  it("holds a session whose status on the watch is not known", async () => {
    const { client, clock } = newerServer({
      async *watchSessions(_, { signal }) {
        yield { update: { case: "session" as const, value: session(9) }, revision: 1n };
        await aborted(signal);
      },
    });
    const run = await client.startSession();
    const held = new Promise<SessionPaused>((yes) => run.on("pause", yes));
    clock.advance(0);
    expect(String(await held)).to.include("unknown_9");
    expect(() => run.guard()).to.throw(SessionPaused);
    await client.close();
  });

  it("stops a session that it does not know, and no longer asks for it", async () => {
    const watched: number[] = [];
    const refuse = () => {
      throw new ConnectError("no such session", Code.NotFound);
    };
    const { client, clock } = newerServer({
      heartbeat: refuse,
      // biome-ignore lint/correctness/useYield: it is refused before it tells anything
      async *watchSessions({ sessionIds }) {
        watched.push(sessionIds.length);
        refuse();
      },
    });
    const run = await client.startSession({ leaseSeconds: null });
    const stopped = aborted(run.signal);
    clock.advance(0);
    expect(await stopped).to.deep.include({ status: "killed", stopReason: "session_not_found" });
    await run.close();
    clock.advance(60_000);
    await new Promise((next) => setImmediate(next));
    expect(watched).to.deep.equal([1]);
    await client.close();
  });

  it("stops a session whose key was refused twice in a row, and not before", async () => {
    let beats = 0;
    const { client, clock } = newerServer({
      heartbeat: () => {
        beats += 1;
        if (beats !== 2) throw new ConnectError("a key that is not known here", Code.Unauthenticated);
        return { session: session(SessionStatus.ACTIVE) };
      },
    });
    const run = await client.startSession();
    await until(async () => {
      clock.advance(50);
      return run.signal.aborted;
    });
    expect(run.signal.reason).to.deep.include({ stopReason: "access_denied" });
    expect(beats).to.equal(4);
    await client.close();
  });

  it("goes its way to the end though a stop cannot be acknowledged, and that is said", async () => {
    const { client, warnings } = newerServer(
      {
        acknowledgeHalt: () => {
          throw new ConnectError("no such method", Code.Unimplemented);
        },
      },
      {
        intercept: () =>
          create(InterceptResponseSchema, {
            decision: Verdict.TERMINATE,
            sessionStatus: SessionStatus.KILLED,
            haltId: "halt_000000000001",
            stopReason: 99 as StopReason,
          }),
      },
    );
    const run = await client.startSession();
    const error = await run.intercept("look").catch((each: unknown) => each);
    expect(error).to.deep.include({ stopReason: "unknown_99" });
    await client.close();
    expect(warnings.map((line) => /\(([A-Z]+)\)/.exec(line)?.[1])).to.deep.equal(["STOPPING", "STOPPED"]);
  });
});

describe("sdk/typescript: streams that do not come through", () => {
  const killed = session(SessionStatus.KILLED, {
    haltId: "halt_000000000001",
    stopReason: StopReason.MANUAL,
  });

  /** Says nothing, and ends when nobody listens. */
  const mute = (signal: AbortSignal) => ({
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        await aborted(signal);
        return { done: true as const, value: undefined };
      },
    }),
  });

  /** The server of a session that is killed once `stopped` says so. */
  const asked = (watchSessions: NonNullable<Sessions["watchSessions"]>) => {
    const state = { killed: false, beats: 0 };
    const server = newerServer({
      watchSessions,
      heartbeat: () => {
        state.beats += 1;
        return { session: state.killed ? killed : session(SessionStatus.ACTIVE) };
      },
    });
    return { state, ...server };
  };

  it("are replaced by asking every second when there are none, which is said once", async () => {
    const { client, clock, warnings, state } = asked(() => {
      throw new ConnectError("no streams here", Code.Unimplemented);
    });
    const run = await client.startSession();
    clock.advance(0);
    await until(() => warnings.length > 0);
    state.killed = true;
    const stopped = aborted(run.signal);
    clock.advance(1_000);
    expect(await stopped).to.deep.include({ stopReason: "manual", haltId: "halt_000000000001" });
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include("every second");
    await client.close();
  });

  it("are replaced by asking when the first message does not come within 10 seconds", async () => {
    const { client, clock, warnings, state } = asked((_, { signal }) => mute(signal));
    const run = await client.startSession({ leaseSeconds: null });
    clock.advance(9_999);
    expect(warnings).to.deep.equal([]);
    clock.advance(1);
    expect(warnings).to.have.length(1);
    state.killed = true;
    const stopped = aborted(run.signal);
    clock.advance(1_000);
    expect(await stopped).to.deep.include({ stopReason: "manual" });
    await client.close();
  });

  it("are tried again, and when they come the asking ends", async () => {
    let tries = 0;
    const { client, clock, state } = asked(async function* (_, context) {
      tries += 1;
      if (tries === 1) throw new ConnectError("no streams here", Code.Unimplemented);
      yield* active.watchSessions?.(_, context) as AsyncIterable<object>;
    });
    await client.startSession({ leaseSeconds: null });
    clock.advance(0);
    await until(() => tries === 1);
    await until(() => {
      clock.advance(500);
      return tries === 2 && state.beats > 0;
    });
    await until(() => {
      const before = state.beats;
      clock.advance(10_000);
      return state.beats === before;
    });
    await client.close();
  });

  it("and a log that is another one are told: the token is forgotten, and the watch goes on", async () => {
    const tokens: string[] = [];
    const { client, clock, warnings } = newerServer({
      async *watchSessions({ resumeToken }, context) {
        tokens.push(resumeToken);
        if (resumeToken !== "") throw new ConnectError("ahead of the log", Code.DataLoss);
        if (tokens.length === 1) {
          yield {
            update: { case: "session" as const, value: session(SessionStatus.ACTIVE) },
            revision: 9n,
            resumeToken: "t9",
          };
          yield { update: { case: "bookmark" as const, value: {} }, revision: 9n, resumeToken: "t9" };
          throw new ConnectError("gone", Code.Unavailable);
        }
        yield {
          update: { case: "session" as const, value: session(SessionStatus.PAUSED) },
          revision: 3n,
          resumeToken: "u3",
        };
        await aborted(context.signal);
      },
    });
    const run = await client.startSession();
    const held = new Promise((yes) => run.on("pause", yes));
    await until(() => {
      clock.advance(100);
      return tokens.length === 3;
    });
    await held;
    expect(tokens).to.deep.equal(["", "t9", ""]);
    expect(warnings.filter((line) => line.includes("rolled back"))).to.have.length(1);
    await client.close();
  });
});

describe("sdk/typescript: one watch", () => {
  it("serves all sessions of a client, and a new one opens the next stream before the last is left", async () => {
    let opened = 0;
    const open: string[][] = [];
    const seen: string[][][] = [];
    let number = 0;
    const { client, clock } = newerServer({
      startSession: () => ({ session: { ...session(SessionStatus.ACTIVE), sessionId: `s${++number}` } }),
      async *watchSessions({ sessionIds }, { signal }) {
        opened += 1;
        open.push(sessionIds);
        seen.push([...open]);
        yield { update: { case: "bookmark" as const, value: {} }, revision: 1n, resumeToken: "t" };
        await aborted(signal);
        open.splice(open.indexOf(sessionIds), 1);
      },
    });
    await client.startSession();
    clock.advance(0);
    await until(() => opened === 1);
    await client.startSession();
    await client.startSession();
    await until(() => {
      clock.advance(10);
      return opened === 2 && open.length === 1;
    });
    // One that is smaller than what serves stands beside it: the others are not told again.
    await client.startSession();
    await until(() => {
      clock.advance(10);
      return opened === 3;
    });
    expect(seen).to.deep.equal([[["s1"]], [["s1"], ["s2", "s3", "s1"]], [["s2", "s3", "s1"], ["s4"]]]);
    await client.close();
    await until(() => open.length === 0);
  });
});
