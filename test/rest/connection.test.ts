import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { expect } from "chai";
import { StartSessionResponseSchema } from "../../gen/killcord/v1/session_pb.js";
import type { RestBounds } from "../../src/rest/transcoder.js";
import type { Call } from "../../src/services/door.js";
import { RawConnection } from "./client.js";
import { good_key, type Served, serve } from "./serve.js";

const start = "/v1/enforce/sessions/start";

/** The head of an HTTP/1.1 request. */
function head(key: string, ...headers: string[]): string {
  return [`POST ${start} HTTP/1.1`, "Host: killcord", `X-API-Key: ${key}`, ...headers, "", ""].join("\r\n");
}

/** Writes for as long as anybody takes it; returns how to stop. */
function writeEndlessly(write: (chunk: Buffer) => boolean, drained: (next: () => void) => void): () => void {
  const chunk = Buffer.alloc(16 * 1024, " ");
  let stopped = false;
  const next = () => {
    while (!stopped) {
      if (!write(chunk)) {
        drained(next);
        return;
      }
    }
  };
  next();
  return () => {
    stopped = true;
  };
}

/** Answers a call only when its signal aborts, and shows the call. */
function parkCalls(served: Served): Promise<Call> {
  return new Promise((resolve) => {
    served.door.onCall = (_method, _request, call) => {
      resolve(call);
      return new Promise((_, reject) => {
        call.signal.addEventListener("abort", () => reject(call.signal.reason));
      });
    };
  });
}

/** More than the buffers of both sides of a connection hold. */
const long_label = "l".repeat(16 * 1024 * 1024);

function answerAtLength(served: Served): void {
  served.door.onCall = async () => create(StartSessionResponseSchema, { session: { label: long_label } });
}

async function aborted(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
  return signal.reason;
}

describe("an HTTP/1.1 connection to the REST handler", () => {
  let served: Served;
  const connections: RawConnection[] = [];
  const open = (): RawConnection => {
    const connection = new RawConnection(served.port);
    connections.push(connection);
    return connection;
  };
  const restart = async (bounds: Partial<RestBounds>) => {
    await served.close();
    served = await serve(bounds);
  };

  beforeEach(async () => {
    served = await serve({ linger_ms: 20 });
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) {
      connection.socket.destroy();
    }
    await served.close();
  });

  it("goes on after an error: the next pipelined request is answered", async () => {
    const connection = open();
    connection.write(`${head(good_key, "Content-Length: 3")}{x}`);
    connection.write(`${head("wrong", "Content-Length: 2")}{}`);
    connection.write(`${head(good_key, "Content-Length: 2")}{}`);
    const text = await connection.until(/ 400 [\s\S]* 401 [\s\S]* 200 [\s\S]*\{"ok":true\}/);
    expect(text).to.not.match(/Connection: close/i);
  });

  it("is answered at once when the body says that it is 10 MB, and none of it has come", async () => {
    const connection = open();
    connection.write(head(good_key, "Content-Length: 10000000"));
    const text = await connection.until(/payload_too_large[\s\S]*\}$/);
    expect(text)
      .to.match(/^HTTP\/1\.1 413 /)
      .and.match(/Connection: close/i);
    await connection.untilEnd();
  });

  it("is answered when an endless body passes the limit, and then ends", async () => {
    const connection = open();
    connection.write(head(good_key, "Transfer-Encoding: chunked"));
    const { socket } = connection;
    const stop = writeEndlessly(
      (chunk) => socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`),
      (next) => socket.once("drain", next),
    );
    await connection.until(/^HTTP\/1\.1 413 [\s\S]*payload_too_large/);
    stop();
    await connection.untilEnd();
    expect(served.door.seen).to.have.length(0);
  });

  it("with a bad key is answered before the body is read, however long that is", async () => {
    const connection = open();
    connection.write(head("wrong", "Transfer-Encoding: chunked"));
    await connection.until(/^HTTP\/1\.1 401 [\s\S]*invalid_api_key[\s\S]*\}$/);
    const { socket } = connection;
    const stop = writeEndlessly(
      (chunk) => socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n`),
      (next) => socket.once("drain", next),
    );
    await connection.untilEnd();
    stop();
  });

  it("is cut when its reader leaves a long reply lying", async () => {
    await restart({ blocked_reader_ms: 50 });
    answerAtLength(served);
    const connection = open();
    connection.socket.pause();
    connection.write(`${head(good_key, "Content-Length: 2")}{}`);
    while (served.door.seen.length === 0 || served.connections() > 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it("gets a long reply whole", async () => {
    answerAtLength(served);
    const connection = open();
    connection.write(`${head(good_key, "Content-Length: 2")}{}`);
    const text = await connection.until(/"\}$/);
    expect(text.length).to.be.above(long_label.length);
  });

  it("is cut when its body comes too slowly", async () => {
    await restart({ request_ms: 30, linger_ms: 10 });
    const connection = open();
    connection.write(`${head(good_key, "Content-Length: 200000")}{`);
    await connection.until(/^HTTP\/1\.1 504 [\s\S]*the body came too slowly[\s\S]*\}$/);
    await connection.untilEnd();
    expect(served.door.seen).to.have.length(0);
  });

  it("aborts its call when the caller goes away", async () => {
    const parked = parkCalls(served);
    const connection = open();
    connection.write(`${head(good_key, "Content-Length: 2")}{}`);
    const { signal } = await parked;
    expect(signal.aborted).to.equal(false);
    connection.socket.destroy();
    expect(await aborted(signal)).to.have.property("code", "canceled");
  });

  it("is answered with 504 when the call takes too long, and the call is aborted", async () => {
    await restart({ call_ms: 20 });
    const parked = parkCalls(served);
    const connection = open();
    connection.write(`${head(good_key, "Content-Length: 2")}{}`);
    expect(await aborted((await parked).signal)).to.have.property("code", "deadline_exceeded");
    await connection.until(/^HTTP\/1\.1 504 [\s\S]*repeat with the same Idempotency-Key[\s\S]*\}$/);
  });

  it("goes on when the rest of a slow body is small: it is read and dropped", async () => {
    await restart({ request_ms: 30 });
    const connection = open();
    connection.write(`${head(good_key, "Content-Length: 60000")}{`);
    const text = await connection.until(/^HTTP\/1\.1 504 [\s\S]*\}$/);
    expect(text).to.not.match(/Connection: close/i);
    for (const length of [30_000, 29_999]) {
      connection.write(" ".repeat(length));
      // In pieces: what arrives in one read is parsed to its end whether anybody takes it or not.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    connection.write(head(good_key, "Content-Length: 0"));
    await connection.until(/ 504 [\s\S]* 200 /);
  });

  it("does not abort a call that was answered", async () => {
    await restart({ call_ms: 10 });
    const connection = open();
    connection.write(head(good_key, "Content-Length: 0"));
    await connection.until(/\{"ok":true\}$/);
    connection.socket.destroy();
    const parked = parkCalls(served);
    const later = open();
    later.write(head(good_key, "Content-Length: 0"));
    // The second call's time is over, so the first one's would be too.
    await aborted((await parked).signal);
    expect(served.door.seen.map((call) => call.signal.aborted)).to.deep.equal([false, true]);
  });

  it("with two different keys under one name is refused, whichever comes first", async () => {
    for (const name of ["X-API-Key: ", "Authorization: Bearer ", "X-Xybern-API-Key: "]) {
      for (const keys of [
        [good_key, "other"],
        ["other", good_key],
      ]) {
        const connection = open();
        const lines = keys.map((one) => `${name}${one}`);
        connection.write([`POST ${start} HTTP/1.1`, "Host: killcord", ...lines, "", ""].join("\r\n"));
        await connection.until(/^HTTP\/1\.1 401 [\s\S]*invalid_api_key/);
      }
    }
  });
});

describe("an HTTP/2 stream to the REST handler", () => {
  let served: Served;
  let session: ClientHttp2Session;
  const open = (key: string, headers: Record<string, string> = {}): ClientHttp2Stream =>
    session.request(
      { ":method": "POST", ":path": start, "x-api-key": key, ...headers },
      { endStream: false },
    );

  /** The status and the whole reply, and how the stream was closed. */
  const replyTo = async (stream: ClientHttp2Stream) => {
    let text = "";
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    // A client that is still writing is told by "aborted"; its own side closes when it stops.
    const closed = Promise.race([once(stream, "close"), once(stream, "aborted")]);
    const [headers] = (await once(stream, "response")) as [{ ":status": number }];
    await closed;
    return { status: headers[":status"], text, rst: stream.rstCode };
  };

  beforeEach(async () => {
    served = await serve({ linger_ms: 20 });
    session = connect(`http://127.0.0.1:${served.port}`);
  });
  afterEach(async () => {
    session.destroy();
    await served.close();
  });

  for (const [what, key, code] of [
    ["with a bad key is answered and given up, however long its body is", "wrong", "invalid_api_key"],
    ["with an endless body is answered and given up at the limit", good_key, "payload_too_large"],
  ] as const) {
    it(`${what}; the connection goes on`, async () => {
      const stream = open(key);
      const reply = replyTo(stream);
      const stop = writeEndlessly(
        (chunk) => !stream.destroyed && stream.write(chunk),
        (next) => stream.once("drain", next),
      );
      const { text, rst } = await reply;
      stop();
      stream.destroy();
      expect(text).to.match(new RegExp(`${code}.*}}$`));
      expect(rst).to.equal(constants.NGHTTP2_NO_ERROR);

      const next = open(good_key);
      next.end("{}");
      expect((await replyTo(next)).status).to.equal(200);
    });
  }

  it("aborts its call when the caller resets it", async () => {
    const parked = parkCalls(served);
    const stream = open(good_key);
    stream.on("error", () => undefined);
    stream.end("{}");
    const { signal } = await parked;
    stream.close(constants.NGHTTP2_CANCEL);
    expect(await aborted(signal)).to.have.property("code", "canceled");
  });
});
