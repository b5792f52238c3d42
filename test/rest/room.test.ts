import { gzipSync } from "node:zlib";
import { expect } from "chai";
import { Room } from "../../src/services/room.js";
import { RawConnection, versions } from "./client.js";
import { good_key, type Served, serve } from "./serve.js";

const headers = { "X-API-Key": good_key, "Content-Type": "application/json" };
const start = "/v1/enforce/sessions/start";
const body = JSON.stringify({ label: "l".repeat(4_000) });

describe("the room for bodies", () => {
  let served: Served;
  const room = new Room({ bodies_bytes: 100_000, bodies_bytes_kept: 40_000, bodies_bytes_acknowledging: 0 });
  before(async () => {
    served = await serve({}, room);
  });
  after(() => served.close());

  /** Waits for what the server notices in turns of its own. */
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  for (const [version, send] of versions) {
    it(`refuses those that find none, but not that of a stop, over ${version}`, async () => {
      const slow = new RawConnection(served.port);
      slow.write(
        `POST ${start} HTTP/1.1\r\nHost: k\r\nX-API-Key: ${good_key}\r\nContent-Length: 100000\r\n\r\n`,
      );
      slow.write("x".repeat(58_000));
      await until(() => room.taken === 58_000);

      const refused = await send(served, { method: "POST", path: start, headers, body });
      expect(refused.status).to.equal(429);
      expect(refused.json.error?.code).to.equal("overloaded");
      expect(refused.headers["retry-after"]).to.equal("1");
      const reason = JSON.stringify({ reason: "r".repeat(1_000) });
      const path = "/v1/enforce/sessions/sess_005f0c2a9be1d34c7788aa01/kill";
      expect((await send(served, { method: "POST", path, headers, body: reason })).status).to.equal(200);

      slow.socket.destroy();
      await until(() => room.taken === 0);
      expect((await send(served, { method: "POST", path: start, headers, body })).status).to.equal(200);
      expect(room.taken).to.equal(0);
    });
  }

  it("also counts what a body unfolds to", async () => {
    const [[, send]] = versions as [(typeof versions)[number]];
    const bomb = gzipSync(JSON.stringify({ label: "l".repeat(70_000) }));
    const sent = { method: "POST", path: start, headers: { ...headers, "Content-Encoding": "gzip" } };
    expect((await send(served, { ...sent, body: bomb })).json.error?.code).to.equal("overloaded");
    expect(room.taken).to.equal(0);
  });
});
