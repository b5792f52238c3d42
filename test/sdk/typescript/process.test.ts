/** What a process that uses the client has to do to end: nothing. And by which ways it reaches the server. */
import { spawn } from "node:child_process";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { type Served, serve } from "../../server/served.js";
import { aborted, kill, shown, staged } from "./stage.js";

const library = pathToFileURL(resolve("dist/sdk/typescript/src/node.js")).href;

/** Runs a program that has the library as `killcord`, and gives what it printed and its exit status. */
function run(
  server: Served,
  program: string,
): Promise<{ readonly printed: string; readonly status: number | null }> {
  const text = `import * as killcord from ${JSON.stringify(library)};\n${program}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    env: { PATH: process.env.PATH, KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      printed += chunk;
    });
  }
  return new Promise((done) => child.once("close", (status) => done({ printed, status })));
}

describe("sdk/typescript: a process", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  it("ends though it forgot to close its session, in the middle of its watch", async () => {
    const { printed, status } = await run(
      server,
      `const client = killcord.createClient();
       const session = await client.startSession();
       for await (const { status } of client.watch({ sessionIds: [session.id] })) {
         console.log(status, session.signal.aborted);
         break;
       }
       await session.intercept("look");`,
    );
    expect({ printed, status }).to.deep.equal({ printed: "active false\n", status: 0 });
  });

  it("does not end while it waits for an answer", async () => {
    const { printed, status } = await run(
      server,
      `const client = killcord.createClient({ url: "http://127.0.0.1:1" });
       try {
         await client.startSession({ timeoutMs: 300 });
       } catch (error) {
         console.log(error.name);
       }`,
    );
    expect(printed).to.match(/ServerUnreachable\n$/);
    expect(status).to.equal(0);
  });

  it("ends when it has closed, whatever was going on", async () => {
    const { printed, status } = await run(
      server,
      `const client = killcord.createClient();
       const sessions = await Promise.all([1, 2, 3].map(() => client.startSession()));
       for (let i = 0; i < 20; i += 1) sessions[0].signal.addEventListener("abort", () => i);
       const asking = sessions.map((session) => session.intercept("look").catch((error) => error.name));
       await client.close();
       console.log(sessions.every(({ signal }) => signal.aborted), (await Promise.all(asking)).length);`,
    );
    expect({ printed, status }).to.deep.equal({ printed: "true 3\n", status: 0 });
  });
});

describe("sdk/typescript: behind a proxy that speaks HTTP/1.1 alone", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  it("is a client like any other, watch and all", async () => {
    const proxy = createServer((incoming, reply) => {
      const { method, url, headers } = incoming;
      const onward = request(server.url + url, { method, headers }, (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        reply.flushHeaders();
        answer.pipe(reply);
      });
      onward.on("error", () => reply.destroy());
      reply.on("close", () => onward.destroy());
      incoming.pipe(onward);
    });
    await new Promise<void>((yes) => proxy.listen(0, "127.0.0.1", yes));
    const { port } = proxy.address() as AddressInfo;
    const { client, warnings } = staged(`http://127.0.0.1:${port}`, server.admin_key);
    const session = await client.startSession();
    expect(await session.intercept("look")).to.deep.include({ actions: 1 });
    const stopped = aborted(session.signal);
    await kill(server, session.id);
    expect(await stopped).to.deep.include({ stopReason: "manual" });
    await client.close();
    expect((await shown(server, session.id)).status).to.equal("killed");
    expect(warnings.filter((line) => line.includes("streams do not"))).to.deep.equal([]);
    proxy.closeAllConnections();
    proxy.close();
  });
});
