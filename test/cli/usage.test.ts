import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Command } from "commander";
import { buildProgram } from "../../src/cli/program.js";
import { serveCommand } from "../../src/cli/serve.js";
import { verifyCommand } from "../../src/cli/verify.js";
import { invoke, killcord } from "./killcord.js";

/** The whole help, with the examples. */
function helpOf(command: Command): string {
  const pieces: string[] = [];
  command.configureOutput({ writeOut: (piece) => void pieces.push(piece) });
  command.outputHelp();
  return pieces.join("");
}

/** The command lines of a help's examples, as words: without settings before them or remarks after. */
function examplesOf(help: string): string[][] {
  const [, examples = ""] = /\nExamples?:\n((?: {2}.*(?:\n|$))*)/.exec(help) ?? [];
  return examples
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      line
        .trim()
        .replace(/^([A-Z_]+=\S+ )+/, "")
        .replace(/ {3,}.*$/, ""),
    )
    .map((line) => (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/"/g, "")));
}

/** The whole program, new for each use. */
function program(): Command {
  return buildProgram({ serve: serveCommand(), verify: verifyCommand() });
}

/** Every command that a user can run, with its words. */
function everyCommand(
  command: Command,
  words: readonly string[] = [],
): { words: string; command: Command }[] {
  return command.commands.flatMap((sub) => {
    const path = [...words, sub.name()];
    return [{ words: path.join(" "), command: sub }, ...everyCommand(sub, path)];
  });
}

describe("the help", () => {
  it("shows the first three things to do, and the exit statuses", async () => {
    const { status, stdout } = await killcord(["--help"]);
    expect(status).to.equal(0);
    expect(stdout).to.match(
      /First steps:\n {2}killcord demo .*\n {2}killcord serve .*\n {2}killcord sessions list /,
    );
    expect(stdout).to.contain(
      "0 done, 1 the thing asked about failed, 2 wrong usage, 3 unreachable or refused",
    );
    expect(stdout).not.to.contain("demo-agent");
  });

  it("has a summary, a description and an example for each command", () => {
    for (const { words, command } of everyCommand(program())) {
      const text = helpOf(command);
      expect(command.summary(), words).to.match(/^.{10,70}$/);
      expect(command.description().length, words).to.be.greaterThan(25);
      expect(text, words).to.match(/\nExamples?:\n {2}killcord /);
    }
  });

  it("has only examples that parse", async () => {
    for (const { words, command } of everyCommand(program())) {
      for (const example of examplesOf(helpOf(command))) {
        expect(await parses(example), `${words}: ${example.join(" ")}`).to.equal(true);
      }
    }
  });

  it("of one command is reached by `help` too", async () => {
    const { status, stdout } = await invoke(["help", "sessions"]);
    expect(status).to.equal(0);
    expect(stdout).to.contain("Usage: killcord sessions");
  });
});

/** Parses a command line without running it. */
async function parses(argv: readonly string[]): Promise<boolean> {
  const fresh = program();
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    if (command.commands.length === 0) command.action(() => undefined);
    for (const sub of command.commands) quiet(sub);
  };
  quiet(fresh);
  try {
    await fresh.parseAsync(argv.slice(1), { from: "user" });
    return true;
  } catch {
    return false;
  }
}

describe("wrong usage", () => {
  const cases: readonly (readonly [claim: string, words: readonly string[], says: RegExp])[] = [
    [
      "an unknown command",
      ["sesions"],
      /unknown command 'sesions'[\s\S]*sessions[\s\S]*See `killcord --help`/,
    ],
    [
      "an unknown subcommand",
      ["sessions", "lst"],
      /unknown command 'lst'[\s\S]*list[\s\S]*killcord sessions --help/,
    ],
    ["a missing subcommand", ["keys"], /Usage: killcord keys/],
    ["a missing argument", ["sessions", "get"], /missing required argument 'session_id'/],
    ["an unknown option", ["sessions", "list", "--stats"], /unknown option '--stats'[\s\S]*--status/],
    [
      "an unknown status",
      ["sessions", "list", "--status", "dead"],
      /Expected active, paused, killed, expired, ended/,
    ],
    [
      "an unknown role",
      ["keys", "create", "x", "--role", "root"],
      /Expected agent, operator, approver, auditor, admin/,
    ],
    ["a key without a role", ["keys", "create", "x"], /required option '--role <role>' not specified/],
    ["a span of no known unit", ["credentials", "issue", "x", "--ttl", "1w"], /a number with s, m, h or d/],
    ["a page of nothing", ["sessions", "list", "--page-size", "0"], /Expected a number, 1 and up/],
    ["an export to nowhere", ["export"], /required option '--out <folder>' not specified/],
    [
      "an address that is none",
      ["sessions", "list", "--url", "localhost:7411"],
      /not the address of a server/,
    ],
    [
      "an address with a password",
      ["sessions", "list", "--url", "http://a:b@localhost"],
      /no user and password/,
    ],
    [
      "a key file that is not there",
      ["keys", "list", "--api-key-file", "/nowhere/key"],
      /cannot read.*does not exist/,
    ],
  ];
  for (const [claim, words, says] of cases) {
    it(`${claim} ends with 2 and says what was expected`, async () => {
      const { status, stdout, stderr } = await invoke(words);
      expect(stderr).to.match(says);
      expect(stderr).not.to.match(/\n\s+at /);
      expect([status, stdout]).to.deep.equal([2, ""]);
    });
  }

  it("is one JSON document on stderr with --json", async () => {
    const runs = await Promise.all([
      killcord(["sessions", "get", "--json"]),
      invoke(["sessions", "list", "--json", "--url", "nowhere"]),
    ]);
    for (const { status, stdout, stderr } of runs) {
      expect([status, stdout]).to.deep.equal([2, ""]);
      const document = JSON.parse(stderr);
      expect(document.ok).to.equal(false);
      expect(document.error.code).to.equal("invalid_argument");
      expect(document.error.message).to.be.a("string").that.is.not.empty;
    }
  });

  it("a key file that holds something else is refused without showing it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "killcord-test-"));
    try {
      const file = join(folder, "key");
      await writeFile(file, "hunter2 and more\nof it\n");
      const { status, stderr } = await invoke(["sessions", "list", "--api-key-file", file]);
      expect(status).to.equal(2);
      expect(stderr).to.contain("does not hold an API key").and.not.to.contain("hunter2");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
