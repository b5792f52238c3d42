import { Code, ConnectError } from "@connectrpc/connect";
import { expect } from "chai";
import {
  SessionService,
  type WatchSessionRequest,
  type WatchSessionResponse,
} from "../../gen/killcord/v1/session_pb.js";
import { connect } from "../../src/cli/client.js";
import { follow } from "../../src/cli/watch.js";
import { activeSession, killedSession, session_id } from "./samples.js";
import { refusal, type ScriptedServer, scriptedServer } from "./scripted-server.js";

type Update = Pick<WatchSessionResponse, "revision" | "resumeToken" | "update">;
type Script = (request: WatchSessionRequest, signal: AbortSignal) => AsyncIterable<Update>;

const active = (revision: bigint): Update => ({
  update: { case: "session", value: activeSession() },
  revision,
  resumeToken: `token-${revision}`,
});
const killed = (revision: bigint): Update => ({
  ...active(revision),
  update: { case: "session", value: killedSession() },
});
const draining = (revision: bigint): Update => ({
  ...active(revision),
  update: { case: "bookmark", value: { $typeName: "killcord.v1.Bookmark", draining: true } },
});

async function* says(...updates: Update[]): AsyncIterable<Update> {
  yield* updates;
}

describe("a watch", () => {
  let server: ScriptedServer;
  /** What the server does on the first connection, on the second, and so on. */
  let scripts: Script[];
  let requests: WatchSessionRequest[];
  let lost: string[];

  before(async () => {
    server = await scriptedServer((router) => {
      router.service(SessionService, {
        watchSession: (request, { signal }) => {
          requests.push(request);
          const script = scripts.shift();
          if (script === undefined) throw new ConnectError("not scripted", Code.Internal);
          return script(request, signal);
        },
      });
    });
  });
  after(() => server.close());
  beforeEach(() => {
    requests = [];
    lost = [];
  });

  /** Follows to the end, calling `each` after every message. */
  async function followed(
    each: (message: WatchSessionResponse) => void = () => undefined,
  ): Promise<bigint[]> {
    const revisions: bigint[] = [];
    const options = { onLost: (reason: string) => void lost.push(reason) };
    for await (const message of follow(connect(server.url, null), session_id, options)) {
      revisions.push(message.revision);
      each(message);
    }
    return revisions;
  }
  const tokens = () => requests.map(({ resumeToken }) => resumeToken);

  it("ends with the terminal state, whatever the server does after it", async () => {
    scripts = [() => says(active(1n), killed(2n), active(3n))];
    expect(await followed()).to.deep.equal([1n, 2n]);
  });

  it("whose connection is lost connects again with its token, and learns the stop", async () => {
    scripts = [
      async function* (_, signal) {
        yield active(1n);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
      () => says(killed(5n)),
    ];
    expect(await followed((message) => message.revision === 1n && server.dropConnections())).to.deep.equal([
      1n,
      5n,
    ]);
    expect(tokens()).to.deep.equal(["", "token-1"]);
    expect(lost).to.have.length(1);
  });

  it("that the server closes without an end connects again", async () => {
    scripts = [() => says(active(1n)), () => says(active(1n), active(4n)), () => says(killed(6n))];
    expect(await followed()).to.deep.equal([1n, 1n, 4n, 6n]);
    expect(tokens()).to.deep.equal(["", "token-1", "token-4"]);
  });

  it("leaves a server that is draining", async () => {
    scripts = [() => says(active(1n), draining(2n), active(3n)), () => says(killed(4n))];
    expect(await followed()).to.deep.equal([1n, 2n, 4n]);
    expect(tokens()).to.deep.equal(["", "token-2"]);
  });

  it("that is cut off for being slow connects again", async () => {
    scripts = [
      async function* () {
        yield active(1n);
        throw refusal(Code.ResourceExhausted, "overloaded", "you read too slowly");
      },
      () => says(killed(2n)),
    ];
    expect(await followed()).to.deep.equal([1n, 2n]);
    expect(lost).to.deep.equal(["you read too slowly"]);
  });

  it("that is refused at first is not tried again", async () => {
    scripts = [
      () => {
        throw refusal(Code.NotFound, "session_not_found", "no such session");
      },
    ];
    const error = await followed().then(
      () => null,
      (reason: unknown) => ConnectError.from(reason),
    );
    expect([error?.rawMessage, requests.length]).to.deep.equal(["no such session", 1]);
  });

  it("that breaks before its first message is not tried again", async () => {
    scripts = [
      () => {
        throw new ConnectError("a proxy has lost the server", Code.Unavailable);
      },
    ];
    const error = await followed().then(
      () => null,
      (reason: unknown) => ConnectError.from(reason),
    );
    expect([error?.rawMessage, requests.length]).to.deep.equal(["a proxy has lost the server", 1]);
  });

  it("tells when the server has forgotten what it had said", async () => {
    scripts = [
      () => says(active(9n)),
      () => {
        throw refusal(Code.DataLoss, "data_loss", "the token is ahead of the log");
      },
    ];
    const error = await followed().then(
      () => null,
      (reason: unknown) => ConnectError.from(reason),
    );
    expect([error?.code, tokens()]).to.deep.equal([Code.DataLoss, ["", "token-9"]]);
  });

  for (const [how, leave] of [
    ["aborts", (enough: AbortController) => enough.abort()],
    ["just leaves", () => "break"],
  ] as const) {
    it(`whose reader ${how} ends quietly, and so does the call at the server`, async () => {
      let ended: () => void = () => undefined;
      const atServer = new Promise<void>((resolve) => {
        ended = resolve;
      });
      scripts = [
        async function* (_, signal) {
          signal.addEventListener("abort", () => ended());
          yield active(1n);
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      ];
      const enough = new AbortController();
      const revisions: bigint[] = [];
      for await (const message of follow(connect(server.url, null), session_id, { signal: enough.signal })) {
        revisions.push(message.revision);
        if (leave(enough) === "break") break;
      }
      await atServer;
      expect(revisions).to.deep.equal([1n]);
    });
  }
});
