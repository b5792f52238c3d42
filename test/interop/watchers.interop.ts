/**
 * What docs/clients.md shows to a person with four terminals: curl, a Python and a Go program watch one
 * session, and a kill from the fourth shows in all of them. How long each took is printed and not judged.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import { post } from "./containment.js";
import { documented, shell, shell_path } from "./documented.js";

const timeout_ms = 120_000;

/** The terminals, each with words of its command, and how it shows the two states. */
const terminals = [
  { name: "curl -N", words: "curl -N", active: /"status": ?"active"/, killed: /"status": ?"killed"/ },
  { name: "Python", words: "watch.py", active: /STATUS_ACTIVE/, killed: /STATUS_KILLED manual stop/ },
  { name: "Go", words: "go run ./watch", active: /STATUS_ACTIVE/, killed: /STATUS_KILLED manual stop/ },
] as const;

describe("four terminals", () => {
  let server: Served;
  const open: Terminal[] = [];
  before(async function () {
    this.timeout(timeout_ms);
    await shell(documented("grpc_tools.protoc"));
    await shell(documented("npx buf generate"));
    server = await serve();
  });
  after(async () => {
    for (const terminal of open) {
      await terminal.close();
    }
    await server?.end();
  });

  it("show a kill from the fourth in the other three, which end", async () => {
    const { session_id } = await post(server, "/v1/enforce/sessions/start", { agent_id: "loan-bot" });
    const env = {
      KILLCORD_URL: server.url,
      KILLCORD_API_KEY: server.admin_key,
      SESSION_ID: String(session_id),
    };
    open.push(...terminals.map(({ words }) => openTerminal(commandOf(words, server), env)));
    await Promise.all(terminals.map(({ active }, i) => open[i]?.shows(active)));

    const shown = terminals.map(async ({ killed }, i) => {
      await open[i]?.shows(killed);
      return Date.now();
    });
    await shell(commandOf("sessions kill", server), env);
    const shown_ms = await Promise.all(shown);
    const { stopped_at } = await post(server, `/v1/enforce/sessions/${session_id}/kill`, {});
    const took = terminals.map(
      ({ name }, i) => `${name} ${(shown_ms[i] ?? 0) - Date.parse(String(stopped_at))} ms`,
    );
    console.log(`      from the kill until it shows: ${took.join(", ")}`);
    expect(await Promise.all(open.map(({ ended }) => ended))).to.deep.equal([0, 0, 0]);
  }).timeout(timeout_ms);
});

function commandOf(words: string, { url }: Served): string {
  return documented(words).replaceAll("http://127.0.0.1:7411", url);
}

interface Terminal {
  /** Resolves when what it printed so far matches; rejects when it ended without it. */
  shows(pattern: RegExp): Promise<void>;
  readonly ended: Promise<number | null>;
  close(): Promise<void>;
}

/** Runs a command in a group of its own, as a terminal does: `go run` has a child. */
function openTerminal(command: string, env: Record<string, string>): Terminal {
  const child = spawn("sh", ["-ec", command], {
    env: { ...process.env, PATH: shell_path, NO_PROXY: "127.0.0.1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  let errors = "";
  const waiting = new Set<() => void>();
  const look = () => {
    for (const check of waiting) {
      check();
    }
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    look();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = new Promise<number | null>((yes) => child.once("close", yes));
  return {
    shows: (pattern) =>
      new Promise((yes, no) => {
        const check = () => pattern.test(printed) && yes();
        waiting.add(check);
        check();
        ended.then(() => no(new Error(`it ended and showed no ${pattern}:\n${printed}${errors}`)));
      }),
    ended,
    close: async () => {
      endGroup(child);
      await ended;
    },
  };
}

function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) {
    process.kill(-pid, "SIGKILL");
  }
}
