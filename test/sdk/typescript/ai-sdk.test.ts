/** examples/sdk-typescript/ai-sdk.ts: a tool loop of the Vercel AI SDK is stopped in the middle of a call of a minute. */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { type Served, serve } from "../../server/served.js";
import { kill, sealed } from "./stage.js";

describe("examples/sdk-typescript/ai-sdk.ts", () => {
  let server: Served;
  let agent: ChildProcess | undefined;
  before(async () => {
    server = await serve();
  });
  after(async () => {
    agent?.kill();
    await server.end();
  });

  it("ends in the middle of a tool call that would have taken a minute, and that is confirmed", async () => {
    const child = spawn(process.execPath, [resolve("dist/examples/sdk-typescript/ai-sdk.js")], {
      env: { PATH: process.env.PATH, KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key },
      stdio: ["ignore", "pipe", "inherit"],
    });
    agent = child;
    const ended = new Promise<number | null>((yes) => child.once("close", yes));
    const said: string[] = [];
    let killed_ms = 0;
    let id = "";
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line);
      id = /^session (.*)/.exec(line)?.[1] ?? id;
      if (line !== "settling 4711") continue;
      killed_ms = performance.now();
      await kill(server, id, "wrong accounts");
    }
    const status = await ended;
    const took_ms = Math.round(performance.now() - killed_ms);
    console.log(`      ${took_ms} ms from the kill to the end of the process`);
    expect(said).to.deep.equal([
      `session ${id}`,
      "settling 4711",
      "the call was aborted",
      `stopped: session ${id} killed (manual): wrong accounts`,
    ]);
    expect(status).to.equal(0);
    const events = (await sealed(server, id)).map(({ event }) => event);
    expect(events.slice(-2)).to.deep.equal(["halt_acknowledged", "halt_confirmed"]);
  });
});
