/** docs/sdk-typescript.md shows programs that are files here, and says what they print. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import { blocksOf } from "./document.js";

const text = readFileSync("docs/sdk-typescript.md", "utf8");

describe("docs/sdk-typescript.md", () => {
  let server: Served;
  before(async () => {
    server = await serve();
  });
  after(() => server.end());

  it("shows its examples whole", () => {
    const shown = blocksOf(text).filter(({ kind }) => kind === "ts");
    const files = [...text.matchAll(/\]\(\.\.\/(examples\/[^)]*\.ts)\)/g)].map(([, path = ""]) => path);
    expect(shown.map((block) => block.text)).to.deep.equal(files.map((path) => readFileSync(path, "utf8")));
    expect(files).to.have.length(4);
  });

  async function printed(program: string): Promise<readonly string[]> {
    const child = spawn(process.execPath, [resolve(`dist/examples/sdk-typescript/${program}`)], {
      env: { PATH: process.env.PATH, KILLCORD_URL: server.url, KILLCORD_API_KEY: server.admin_key },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    await new Promise((yes) => child.once("close", yes));
    return output
      .trimEnd()
      .replace(/sess_[0-9a-f]+/, "sess_…")
      .split("\n");
  }
  const prose = text.replaceAll(/\s+/g, " ");

  it("says what the shortest program prints", async () => {
    const lines = await printed("agent.js");
    expect(lines).to.have.length(3);
    for (const line of lines) expect(prose).to.include(line);
  });

  it("says what the program that spends prints", async () => {
    const lines = await printed("spending.js");
    expect(lines).to.have.length(4);
    for (const line of lines.filter((_, index) => index !== 1)) expect(prose).to.include(line);
  });

  it("names every option of a session, and nothing else", () => {
    const source = readFileSync("sdk/typescript/src/options.ts", "utf8");
    const options = /interface StartOptions \{([\s\S]*?)^\}/m.exec(source)?.[1] ?? "";
    const names = [...options.matchAll(/readonly (\w+)\?:/g)].map(([, name = ""]) => name);
    const table = text.slice(text.indexOf("`startSession` takes"), text.indexOf("## Errors"));
    const told = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, cell = ""]) => cell.match(/\w+/g) ?? []);
    expect([...told, "supervisor"].sort()).to.deep.equal([...names].sort());
  });
});
