/**
 * Every curl of the documents, run by curl itself against the real server, in their order: the reply
 * must have the members, the order and the words that the document shows. What is new in every run
 * (ids, times, secrets) may differ, but what stands for one id must go on standing for it.
 *
 * `REWRITE=1` writes what came instead of comparing: read the difference before it is committed.
 */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { freshFolder, type Served, serve } from "../server/served.js";
import { type Example, examplesOf } from "./document.js";
import { compare, pretty } from "./likeness.js";
import { Names } from "./names.js";

const run = promisify(execFile);
const documented_url = "http://127.0.0.1:7411";
const rewrite = process.env.REWRITE === "1";

for (const path of [
  "docs/rest-api.md",
  "docs/budgets.md",
  "docs/escalations.md",
  "docs/containment.md",
  "README.md",
]) {
  describe(`the examples of ${path}`, () => {
    const markdown = readFileSync(path, "utf8");
    const names = new Names();
    const shown: { readonly example: Example; readonly text: string }[] = [];
    let server: Served;
    let curl_home: string;

    before(async function () {
      try {
        execFileSync("curl", ["--version"]);
      } catch {
        // Said aloud by the test runner, and counted.
        this.skip();
      }
      // curl reads its settings from there, so that the commands can be those that people type.
      curl_home = freshFolder();
      writeFileSync(join(curl_home, ".curlrc"), 'silent\nwrite-out = "\\n%{http_code}"\n');
      server = await serve();
    });

    after(async () => {
      await server?.end();
      if (rewrite) {
        writeFileSync(path, rewritten(markdown, shown));
      }
    });

    /** Runs a command as a shell does: the reply, and its HTTP status. */
    async function shell(command: string): Promise<{ readonly reply: unknown; readonly status: number }> {
      const line = names.toReal(command).replaceAll(documented_url, server.url);
      const { stdout } = await run("sh", ["-c", line], {
        env: { PATH: process.env.PATH, CURL_HOME: curl_home, KILLCORD_API_KEY: server.admin_key },
      });
      const end = stdout.lastIndexOf("\n");
      return { reply: JSON.parse(stdout.slice(0, end)), status: Number(stdout.slice(end + 1)) };
    }

    for (const example of examplesOf(markdown)) {
      it(`line ${example.line}: ${titleOf(example)}`, async () => {
        const { reply, status } = await shell(example.command);
        const compared = compare(JSON.parse(example.reply), reply as never, names);
        shown.push({ example, text: `${pretty(compared.shown)}\n` });
        if (!rewrite) {
          expect(compared.differences.join("\n")).to.equal("");
        }
        expect(status).to.equal(statusOf(reply as Reply));
      });
    }
  });
}

function titleOf({ command }: Example): string {
  const method = /-X (\w+)/.exec(command)?.[1] ?? (/ -d /.test(command) ? "POST" : "GET");
  return `${method} ${/127\.0\.0\.1:7411([^"\s?]*)/.exec(command)?.[1]}`;
}

interface Reply {
  readonly ok?: boolean;
  readonly error?: { readonly code: string };
}

/** 200, or what docs/errors.md says of the code. */
function statusOf({ error }: Reply): number {
  if (error === undefined) {
    return 200;
  }
  const row = new RegExp(`^\\| \`${error.code}\` \\|[^|]*\\| (\\d+) \\|`, "m");
  return Number(row.exec(readFileSync("docs/errors.md", "utf8"))?.[1]);
}

/** The document with other replies in its JSON blocks. */
function rewritten(markdown: string, shown: readonly { example: Example; text: string }[]): string {
  return [...shown]
    .sort((a, b) => b.example.from - a.example.from)
    .reduce((text, { example: { from, reply }, text: to }) => {
      return text.slice(0, from) + to + text.slice(from + reply.length);
    }, markdown);
}
