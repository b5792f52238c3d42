/** The README's way to see a stop arrive: the ten lines that it shows are a program that does it. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import { blocksOf } from "./document.js";

describe("the README's watch", () => {
  let server: Served;
  let watch: ChildProcess | undefined;
  before(async () => {
    server = await serve();
  });
  after(async () => {
    watch?.kill();
    await server.end();
  });

  it("is examples/watch.ts", () => {
    const shown = blocksOf(readFileSync("README.md", "utf8")).filter(({ kind }) => kind === "ts");
    expect(shown.map(({ text }) => text)).to.deep.equal([readFileSync("examples/watch.ts", "utf8")]);
  });

  async function post(path: string, body: object): Promise<{ readonly session_id: string }> {
    const reply = await fetch(`${server.url}/v1/enforce${path}`, {
      method: "POST",
      headers: { "x-api-key": server.admin_key },
      body: JSON.stringify(body),
    });
    expect(reply.status).to.equal(200);
    return (await reply.json()) as { session_id: string };
  }

  it("prints that the session is active, then its kill, and ends", async () => {
    const { session_id } = await post("/sessions/start", { agent_id: "loan-bot" });
    const child = spawn(process.execPath, [resolve("dist/examples/watch.js"), session_id], {
      env: { PATH: process.env.PATH, KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key },
      stdio: ["ignore", "pipe", "inherit"],
    });
    watch = child;
    let printed = "";
    const begun = new Promise<void>((yes) => {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        printed += text;
        yes();
      });
    });
    const ended = new Promise<number | null>((yes) => child.once("close", yes));
    await Promise.race([begun, ended]);
    expect(printed).to.equal("ACTIVE \n");
    await post(`/sessions/${session_id}/kill`, { reason: "manual stop" });
    expect(await ended).to.equal(0);
    expect(printed).to.equal("ACTIVE \nKILLED manual stop\n");
  });
});
