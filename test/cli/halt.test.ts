import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import {
  type GetHaltRequest,
  GetHaltResponseSchema,
  type Halt,
  HaltFiguresSchema,
  HaltMode,
  type HaltRequest,
  HaltSchema,
  HaltService,
  type HaltSession,
  HaltSessionSchema,
  HaltStatus,
  HaltStep,
  HaltVia,
  type LiftHaltRequest,
  type ListHaltsRequest,
  ScopeKind,
  UnconfirmedWhy,
} from "../../gen/killcord/v1/halt_pb.js";
import { HaltEvidence, StopReason } from "../../gen/killcord/v1/session_pb.js";
import { HaltProgress } from "../../src/cli/halt-progress.js";
import { invoke } from "./killcord.js";
import { refusal, type ScriptedServer, scriptedServer } from "./scripted-server.js";

const halt_id = "halt_0c1d2e3f4a5b";
const stopped_at = Date.UTC(2026, 10, 22, 20, 17, 41);
const at = (ms: number) => timestampFromMs(stopped_at + ms);

type Counts = readonly [
  requested: number,
  delivered: number,
  stopping: number,
  confirmed: number,
  unconfirmed: number,
];

function figures([requested, delivered, acknowledged, confirmed, unconfirmed]: Counts) {
  return create(HaltFiguresSchema, {
    requested: BigInt(requested),
    delivered: BigInt(delivered),
    acknowledged: BigInt(acknowledged),
    confirmed: BigInt(confirmed),
    unconfirmed: BigInt(unconfirmed),
    pending: BigInt(requested - confirmed - unconfirmed),
  });
}

function halt(more: MessageInitShape<typeof HaltSchema> = {}): Halt {
  return create(HaltSchema, {
    haltId: halt_id,
    scope: { kind: ScopeKind.AGENT, id: "loan-bot" },
    mode: HaltMode.KILL,
    reason: "key leaked",
    status: HaltStatus.IN_FORCE,
    requestedAt: at(0),
    requestedBy: "key_1",
    vaultEntryId: "ve_1",
    ...(more as object),
  });
}

const confirmed = create(HaltSessionSchema, {
  sessionId: "sess_1",
  agentId: "loan-bot",
  step: HaltStep.CONFIRMED,
  stopReason: StopReason.HALTED,
  requestedAt: at(0),
  deliveredAt: at(4),
  acknowledgedAt: at(9),
  confirmedAt: at(1250),
  via: HaltVia.STREAM,
  evidence: HaltEvidence.TASKS_CANCELLED,
});
const unconfirmed = create(HaltSessionSchema, {
  sessionId: "sess_2",
  step: HaltStep.UNCONFIRMED,
  stopReason: StopReason.HALTED,
  requestedAt: at(0),
  unconfirmedAt: at(10_000),
  unconfirmedWhy: UnconfirmedWhy.NO_CLIENT,
});

describe("killcord halt", () => {
  let server: ScriptedServer;
  let ordered: HaltRequest[];
  let asked: GetHaltRequest[];
  let lifted: LiftHaltRequest[];
  let listed: ListHaltsRequest[];
  /** What GetHalt tells, one answer after the other; the last again and again. */
  let told: (Counts | "lost")[];
  let shown: HaltSession[];
  let made: Halt;
  /** Orders that get no answer. */
  let lost = 0;
  let lost_by = Code.Unavailable;

  before(async () => {
    server = await scriptedServer((router) => {
      router.service(HaltService, {
        halt: (request) => {
          ordered.push(request);
          if (ordered.length <= lost) throw new ConnectError("no answer", lost_by);
          return { halt: made };
        },
        getHalt: (request) => {
          asked.push(request);
          const next = told.length > 1 ? told.shift() : told[0];
          if (next === "lost") throw refusal(Code.Unavailable, "unavailable", "restarting");
          if (next === undefined) throw refusal(Code.NotFound, "halt_not_found", "there is no such halt");
          return create(GetHaltResponseSchema, {
            halt: { ...made, figures: figures(next) },
            sessions: shown,
            total: BigInt(shown.length),
          });
        },
        liftHalt: (request) => {
          lifted.push(request);
          return {
            halt: { ...made, status: HaltStatus.LIFTED, liftedAt: at(60_000), liftReason: "rotated" },
          };
        },
        listHalts: (request) => {
          listed.push(request);
          return { halts: [made], total: 1n };
        },
      });
    });
  });
  after(() => server.close());
  beforeEach(() => {
    ordered = [];
    asked = [];
    lifted = [];
    listed = [];
    told = [[2, 2, 2, 2, 0]];
    shown = [confirmed];
    made = halt();
    lost = 0;
    lost_by = Code.Unavailable;
  });

  const run = (...words: string[]) => invoke([...words, "--url", server.url]);

  it("orders on the scope that is named, with its reason, under a key of its own", async () => {
    const scopes = [
      ["--session", "sess_1", ScopeKind.SESSION],
      ["--agent", "loan-bot", ScopeKind.AGENT],
      ["--credential", "cred_1", ScopeKind.CREDENTIAL],
      ["--label", "nightly", ScopeKind.LABEL],
    ] as const;
    for (const [flag, id, kind] of scopes) {
      await run("halt", flag, id, "--reason", "key leaked");
      const { scope, mode, reason } = ordered.at(-1) ?? {};
      expect([scope?.kind, scope?.id, mode, reason]).to.deep.equal([kind, id, HaltMode.KILL, "key leaked"]);
    }
    await run("halt", "--all");
    expect([ordered.at(-1)?.scope?.kind, ordered.at(-1)?.scope?.id]).to.deep.equal([ScopeKind.WORKSPACE, ""]);
    const keys = ordered.map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).to.equal(5);
    expect(keys).not.to.include("").and.not.to.include(undefined);
  });

  it("takes exactly one scope", async () => {
    for (const words of [[], ["--agent", "a", "--all"], ["--session", "s", "--label", "l"]]) {
      const { status, stderr } = await run("halt", ...words);
      expect([status, ordered.length]).to.deep.equal([2, 0]);
      expect(stderr).to.include("name one scope");
    }
  });

  it("tells each change until all have confirmed, ends with 0, and says that the order stands", async () => {
    told = [
      [2, 0, 0, 0, 0],
      [2, 1, 1, 0, 0],
      [2, 1, 1, 0, 0],
      [2, 2, 2, 2, 0],
    ];
    const { status, stdout, stderr } = await run("halt", "--agent", "loan-bot");
    expect(status, stderr).to.equal(0);
    expect(stdout).to.equal(`${halt_id} on agent loan-bot is sealed\n2 sessions stopped, all confirmed\n`);
    const lines = stderr.trimEnd().split("\n");
    expect(lines.map((line) => line.replace(/ {3}[\d.]+ m?s$/, ""))).to.deep.equal([
      "2 stopped   0 told   0 stopping   0 confirmed   0 unconfirmed",
      "2 stopped   1 told   1 stopping   0 confirmed   0 unconfirmed",
      "2 stopped   2 told   2 stopping   2 confirmed   0 unconfirmed",
      `killcord: nothing new starts on agent loan-bot until you lift it: killcord lift ${halt_id}`,
    ]);
    expect(asked).to.have.lengthOf(4);
  });

  it("ends with 1 when one is not confirmed at the deadline, and names it", async () => {
    told = [
      [2, 1, 1, 1, 0],
      [2, 1, 1, 1, 1],
    ];
    shown = [confirmed, unconfirmed];
    const { status, stdout } = await run("halt", "--agent", "loan-bot");
    expect(status).to.equal(1);
    expect(stdout).to.match(/^1 of 2 sessions not confirmed: no action of theirs is allowed/m);
    expect(stdout).to.match(/✗ unconfirmed +sess_2 .* no client had heard of it in time/);
    expect(stdout).not.to.include("sess_1");
  });

  it("goes on asking over a server that restarts", async () => {
    told = [[1, 1, 0, 0, 0], "lost", "lost", [1, 1, 1, 1, 0]];
    const { status, stdout } = await run("halt", "--agent", "loan-bot");
    expect([status, asked.length]).to.deep.equal([0, 4]);
    expect(stdout).to.include("1 session stopped, all confirmed");
  });

  it("repeats an order that was not answered, as one and the same", async () => {
    lost = 2;
    const { status } = await run("halt", "--agent", "loan-bot");
    expect([status, ordered.length]).to.deep.equal([0, 3]);
    expect(new Set(ordered.map(({ idempotencyKey }) => idempotencyKey)).size).to.equal(1);
  });

  it("says of an order that was never answered that it may stand", async () => {
    lost = Number.POSITIVE_INFINITY;
    lost_by = Code.DeadlineExceeded;
    const { status, stderr } = await run("halt", "--agent", "loan-bot");
    expect([status, new Set(ordered.map(({ idempotencyKey }) => idempotencyKey)).size]).to.deep.equal([3, 1]);
    expect(stderr).to.include("may have taken the order: see killcord halts list");
  }).timeout(30_000);

  it("--no-wait returns when the order is sealed", async () => {
    told = [[2, 0, 0, 0, 0]];
    const { status, stdout } = await run("halt", "--agent", "loan-bot", "--no-wait");
    expect([status, asked.length]).to.deep.equal([0, 1]);
    expect(stdout).to.include(`2 sessions stopped: see who has confirmed with killcord halts get ${halt_id}`);
  });

  it("--pause holds, and waits for nobody", async () => {
    made = halt({ mode: HaltMode.PAUSE });
    told = [[2, 0, 0, 0, 0]];
    const { status, stdout } = await run("halt", "--agent", "loan-bot", "--pause");
    expect([status, asked.length, ordered[0]?.mode]).to.deep.equal([0, 1, HaltMode.PAUSE]);
    expect(stdout).to.include("2 sessions held");
  });

  it("calls what a pause holds held, not stopped", async () => {
    made = halt({ mode: HaltMode.PAUSE });
    told = [[2, 1, 0, 0, 0]];
    const { stderr } = await run("halt", "--agent", "loan-bot", "--pause");
    expect(stderr).to.match(/^2 held {3}1 told {3}[\d.]+ ms\n/);
    const { stdout } = await run("halts", "get", halt_id);
    expect(stdout).to.match(/^sessions +2 held {3}1 told$/m);
  });

  it("of one session leaves nothing to lift", async () => {
    made = halt({ status: HaltStatus.OVER, scope: { kind: ScopeKind.SESSION, id: "sess_1" } });
    const { stderr } = await run("halt", "--session", "sess_1");
    expect(stderr).not.to.include("killcord lift");
  });

  it("--json prints the REST reply of GetHalt alone, and the same exit status", async () => {
    told = [
      [2, 1, 1, 1, 0],
      [2, 1, 1, 1, 1],
    ];
    const { status, stdout, stderr } = await run("halt", "--agent", "loan-bot", "--json");
    expect([status, stderr]).to.deep.equal([1, ""]);
    const reply = JSON.parse(stdout);
    expect(reply.halt).to.deep.include({ halt_id, status: "in_force", reason: "key leaked" });
    expect(reply.halt.figures).to.include({ requested: 2, confirmed: 1, unconfirmed: 1, pending: 0 });
    expect(reply.sessions[0]).to.include({ session_id: "sess_1", step: "confirmed", via: "stream" });
  });

  it("lift takes an order back, with a reason", async () => {
    const { status, stdout } = await run("lift", halt_id, "--reason", "rotated");
    expect([status, lifted[0]?.haltId, lifted[0]?.reason]).to.deep.equal([0, halt_id, "rotated"]);
    expect(stdout)
      .to.match(/^status +○ lifted$/m)
      .and.to.match(/^lift reason +rotated$/m);
  });

  it("halts list shows orders, by status", async () => {
    const { stdout } = await run("halts", "list", "--status", "in_force");
    expect(listed[0]?.status).to.equal(HaltStatus.IN_FORCE);
    expect(stdout.split("\n")[0]).to.equal(
      "STATUS      HALT               ON              DOES  REQUESTED                   REASON",
    );
    expect(stdout).to.match(/■ in force +halt_0c1d2e3f4a5b +agent loan-bot +kill +2026-.* key leaked/);
  });

  it("halts get shows how far each session is, in the time since its stop", async () => {
    shown = [confirmed, unconfirmed];
    told = [[2, 1, 1, 1, 1]];
    const { stdout } = await run("halts", "get", halt_id);
    expect(stdout).to.match(/^sessions +2 stopped {3}1 told {3}1 stopping {3}1 confirmed {3}1 unconfirmed$/m);
    expect(stdout).to.match(
      /● confirmed +sess_1 +loan-bot +halted +4 ms +9 ms +1\.25 s +by stream, tasks cancelled/,
    );
    expect(stdout).to.match(/✗ unconfirmed +sess_2 +- +halted +- +- +- +no client had heard of it in time/);
  });

  it("halts get of an unknown stop ends with 1", async () => {
    told = [];
    expect(await run("halts", "get", "halt_x")).to.deep.include({
      status: 1,
      stderr: "killcord: there is no such halt\n",
    });
  });
});

describe("the progress of a halt", () => {
  function shownOn(isTTY: boolean): string {
    let written = "";
    const stream = {
      isTTY,
      write: (text: string, done?: () => void) => {
        written += text;
        done?.();
        return true;
      },
    };
    let now = 0;
    const progress = new HaltProgress(stream as never, () => now);
    for (const counts of [
      [2, 0, 0, 0, 0],
      [2, 0, 0, 0, 0],
      [2, 2, 1, 1, 0],
    ] as const) {
      progress.show(figures(counts), HaltMode.KILL);
      now += 100;
    }
    progress.end();
    return written;
  }

  it("is one line in place on a terminal, whose time goes on", () => {
    const text = shownOn(true);
    expect(text.split("\n")).to.have.lengthOf(2);
    expect(text).to.include("\u001b[1G").and.include("0 ms").and.include("100 ms").and.include("200 ms");
  });

  it("is a line for each change elsewhere", () => {
    expect(shownOn(false).trimEnd().split("\n")).to.have.lengthOf(2);
  });
});
