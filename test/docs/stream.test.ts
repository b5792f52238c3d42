/** The example of docs/streams.md is a program that does what the page says of it. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import { blocksOf } from "./document.js";

describe("the stream of docs/streams.md", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  it("is examples/stream.ts", () => {
    const shown = blocksOf(readFileSync("docs/streams.md", "utf8")).filter(({ kind }) => kind === "ts");
    expect(shown.map(({ text }) => text)).to.deep.equal([readFileSync("examples/stream.ts", "utf8")]);
  });

  it("prints its verdicts, and its stop before the verdict that brings it, and ends", async () => {
    const reply = await fetch(`${server.url}/v1/enforce/sessions/start`, {
      method: "POST",
      headers: { "x-api-key": server.admin_key },
      body: JSON.stringify({ budgets: { max_actions: 2 } }),
    });
    const { session_id } = (await reply.json()) as { session_id: string };
    const child = spawn(process.execPath, [resolve("dist/examples/stream.js"), session_id], {
      env: { PATH: process.env.PATH, KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    const status = await new Promise<number | null>((yes) => child.once("close", yes));
    const lines = printed.trimEnd().split("\n");
    // The stop may also overtake the verdicts before it.
    expect(lines.at(-1)).to.equal("3 TERMINATE");
    expect(lines.sort()).to.deep.equal([
      "1 ALLOW",
      "2 ALLOW",
      "3 TERMINATE",
      "stop: budget exceeded: max_actions 2",
    ]);
    expect(status).to.equal(0);
  });
});
