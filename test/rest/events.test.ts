import { connect } from "node:http2";
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { expect } from "chai";
import { type WatchSessionsRequest, WatchSessionsResponseSchema } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../../src/limits.js";
import { KillcordError } from "../../src/services/errors.js";
import { RawConnection, type Sent, versions } from "./client.js";
import { eventsIn } from "./events.js";
import { good_key, type Served, serve } from "./serve.js";

const path = "/v1/enforce/sessions:watch";
const headers = { "X-API-Key": good_key };

function state(session_id: string, revision: number, label?: string): Message {
  return create(
    WatchSessionsResponseSchema as DescMessage,
    {
      update: {
        case: "session",
        value: { sessionId: session_id, ...(label === undefined ? {} : { label }) },
      },
      revision: BigInt(revision),
      resumeToken: `token-${revision}`,
    } as never,
  );
}

const bookmark = create(WatchSessionsResponseSchema, {
  update: { case: "bookmark", value: { draining: true } },
  revision: 7n,
});

async function* says(...messages: Message[]): AsyncGenerator<Message> {
  yield* messages;
}

describe("a stream over REST", () => {
  let served: Served;
  beforeEach(async () => {
    served = await serve({ blocked_reader_ms: 200 });
  });
  afterEach(() => served.close());

  for (const [version, send] of versions) {
    const ask = async (sent: Partial<Sent> = {}) => {
      const reply = await send(served, { path, headers, ...sent }).catch((error: unknown) => error);
      return reply as Awaited<ReturnType<typeof send>>;
    };

    describe(`over ${version}`, () => {
      const text = async (sent: Partial<Sent> = {}) => textOf(served, version, sent);

      it("names what each message tells, its token, and its JSON", async () => {
        served.door.onStream = () => says(state("s1", 6), bookmark);
        const reply = await text();
        expect(reply.headers).to.include({
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        });
        expect(reply.headers["x-request-id"]).to.match(/^req_/);
        const [first, second, ...rest] = eventsIn(reply.text);
        expect(rest).to.deep.equal([]);
        expect(first).to.include({ event: "session", id: "token-6" });
        expect(JSON.parse(first?.data ?? "")).to.deep.equal({
          ok: true,
          session: { session_id: "s1" },
          revision: 6,
          resume_token: "token-6",
        });
        // A message without a token leaves the client the one before.
        expect(second).to.include({ event: "bookmark", id: "token-6" });
        expect(JSON.parse(second?.data ?? "").bookmark).to.deep.equal({ draining: true });
      });

      it("says when to come back, not at one moment for all", async () => {
        served.door.onStream = () => says(state("s1", 1));
        const waits = [];
        for (let i = 0; i < 8; i += 1) {
          waits.push(Number(/^retry: (\d+)\n/.exec((await text()).text)?.[1]));
        }
        expect(Math.min(...waits)).to.be.at.least(limits.event_retry_ms_min);
        expect(Math.max(...waits)).to.be.at.most(limits.event_retry_ms_max);
        expect(new Set(waits).size).to.be.above(1);
      });

      it("reads its query, and Last-Event-ID before resume_token", async () => {
        served.door.onStream = () => says(state("s1", 1));
        await text({ path: `/api${path}?agent_id=a&status=active&status=killed&resume_token=old` });
        await text({ path: `${path}?resume_token=old`, headers: { ...headers, "Last-Event-ID": "new" } });
        await text({ path, headers: { ...headers, "Last-Event-ID": "" } });
        const requests = served.door.seen.map(({ request }) => request as WatchSessionsRequest);
        expect(requests[0]).to.deep.include({ agentId: "a", status: [1, 3], resumeToken: "old" });
        expect(requests.map(({ resumeToken }) => resumeToken)).to.deep.equal(["old", "new", ""]);
      });

      it("that is refused before its first message is answered like any other call", async () => {
        served.door.onStream = () => {
          throw new KillcordError("session_not_found", "there is no such session");
        };
        const refused = await ask();
        expect(refused.status).to.equal(404);
        expect(refused.headers["content-type"]).to.equal("application/json; charset=utf-8");
        expect(refused.json.error).to.include({
          code: "session_not_found",
          message: "there is no such session",
        });
        expect((await ask({ headers: { "X-API-Key": "no" } })).status).to.equal(401);
        expect((await ask({ path: `${path}?nope=1` })).json.error?.code).to.equal("unknown_parameter");
      });

      it("that fails in the middle tells the error and ends", async () => {
        served.door.onStream = async function* () {
          yield state("s1", 1);
          throw new KillcordError("expired_api_key", "the key was revoked");
        };
        const reply = await text();
        const last = eventsIn(reply.text).at(-1);
        expect(last).to.include({ event: "error", id: "token-1" });
        const { ok, error } = JSON.parse(last?.data ?? "");
        expect(ok).to.equal(false);
        expect(error).to.deep.equal({
          code: "expired_api_key",
          message: "the key was revoked",
          request_id: reply.headers["x-request-id"],
        });
      });

      it("hides a fault of ours, and logs it", async () => {
        served.door.onStream = async function* () {
          yield state("s1", 1);
          throw new TypeError("secret");
        };
        const reply = await text();
        expect(reply.text)
          .to.include("event: error")
          .and.to.include('"internal"')
          .and.not.to.include("secret");
        expect(served.faults.map(({ err }) => String(err))).to.deep.equal(["TypeError: secret"]);
      });

      it("comes to its end when the server drains, and a new one is refused", async () => {
        let begun: () => void = () => undefined;
        const beginning = new Promise<void>((resolve) => {
          begun = resolve;
        });
        served.door.onStream = async function* (_method, _request, { signal }) {
          yield state("s1", 1);
          begun();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          yield bookmark;
        };
        const reply = text();
        await beginning;
        served.drain();
        expect(eventsIn((await reply).text).map(({ event }) => event)).to.deep.equal(["session", "bookmark"]);
        expect((await ask()).json.error?.code).to.equal("unavailable");
      });
    });
  }

  function endless(): { readonly taken: () => number; readonly ended: Promise<void> } {
    let count = 0;
    const ended = new Promise<void>((resolve) => {
      served.door.onStream = async function* () {
        try {
          for (;;) {
            count += 1;
            yield state("s1", count, "x".repeat(100_000));
          }
        } finally {
          resolve();
        }
      };
    });
    return { taken: () => count, ended };
  }

  it("whose reader does not read over HTTP/1.1 is cut off, and keeps little in memory", async () => {
    const { taken, ended } = endless();
    const connection = new RawConnection(served.port);
    connection.socket.pause();
    connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\n\r\n`);
    await ended;
    // What the kernel's buffers of both ends take, and no more.
    expect(taken() * 100_000).to.be.below(30_000_000);
    connection.socket.destroy();
  });

  it("whose reader does not read over HTTP/2 is cut off, and others on its connection are not", async () => {
    const { taken, ended } = endless();
    const session = connect(`http://127.0.0.1:${served.port}`);
    const stream = session.request({ ":path": path, "x-api-key": good_key });
    stream.on("error", () => {});
    const closed = new Promise((resolve) => stream.on("close", resolve));
    await ended;
    expect(taken()).to.be.at.most(3);
    stream.resume();
    await closed;
    served.door.onStream = () => says(state("s2", 2));
    const other = session.request({ ":path": path, "x-api-key": good_key });
    let told = "";
    other.setEncoding("utf8").on("data", (chunk: string) => {
      told += chunk;
    });
    await new Promise((resolve) => other.on("end", resolve));
    expect(told).to.include("s2");
    session.destroy();
  });

  it("that its reader leaves tells the service", async () => {
    const left = new Promise<string>((resolve) => {
      served.door.onStream = async function* (_method, _request, { signal }) {
        yield state("s1", 1);
        await new Promise((abort) => signal.addEventListener("abort", abort));
        resolve((signal.reason as KillcordError).code);
      };
    });
    const connection = new RawConnection(served.port);
    connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${good_key}\r\n\r\n`);
    await connection.until(/s1/);
    connection.socket.destroy();
    expect(await left).to.equal("canceled");
  });
});

/** A whole stream as text: it is no JSON. */
function textOf(
  served: Served,
  version: string,
  { path: target = path, headers: sent = headers }: Partial<Sent>,
): Promise<{ readonly headers: Record<string, string | undefined>; readonly text: string }> {
  if (version === "HTTP/1.1") {
    return fetch(`http://127.0.0.1:${served.port}${target}`, { headers: sent }).then(async (reply) => ({
      headers: Object.fromEntries(reply.headers),
      text: await reply.text(),
    }));
  }
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${served.port}`);
    const lower = Object.fromEntries(
      Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const stream = session.request({ ":path": target, ...lower });
    let reply_headers = {};
    let text = "";
    stream.on("response", (received) => {
      reply_headers = received;
    });
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    stream.on("error", reject);
    stream.on("end", () => {
      resolve({ headers: reply_headers, text });
      session.close();
    });
  });
}
