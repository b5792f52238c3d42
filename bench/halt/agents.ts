/** The agents whose stop is timed: programs in each language, and one that knows nothing under the supervisor. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

/** How an agent is started, or why it cannot be. */
export interface Kind {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether one process is one run: the others open a session for each. */
  readonly once?: boolean;
}

/** Every agent that there is and that this machine has what it takes for; of the others it is told what they lack. */
export function kinds(onLack: (name: string, lack: string) => void): readonly Kind[] {
  const node = process.execPath;
  const python = resolve(".venv/bin/python");
  const go = resolve(".build/go/halt-agent");
  const supervised = resolve("dist/bench/halt/supervised-agent.js");
  const all: readonly (Kind & { readonly lack: string | null })[] = [
    { name: "raw protocol", command: [node, resolve("dist/bench/halt/raw-agent.js")], lack: null },
    {
      name: "TypeScript",
      command: [node, resolve("bench/halt/client-agent.mjs")],
      lack: lackOf("sdk/typescript/dist/src/node.js"),
    },
    {
      name: "Python",
      command: [python, resolve("bench/halt/agent.py")],
      env: { PYTHONPATH: resolve("sdk/python") },
      lack: lackOf(".venv/bin/python") ?? lackOf("sdk/python/killcord"),
    },
    { name: "Go", command: [go], lack: lackOf("sdk/go/go.mod") ?? built(go) },
    {
      name: "killcord run",
      command: [node, resolve("dist/src/main.js"), "run", "--", node, supervised],
      once: true,
      lack: lackOf("dist/src/cli/run.js"),
    },
  ];
  for (const { name, lack } of all) {
    if (lack !== null) {
      onLack(name, lack);
    }
  }
  return all.filter(({ lack }) => lack === null);
}

function lackOf(path: string): string | null {
  return existsSync(resolve(path)) ? null : `there is no ${path}`;
}

function built(go: string): string | null {
  const { status } = spawnSync("go", ["build", "-o", go, resolve("bench/halt/agent.go")], {
    cwd: resolve("sdk/go"),
    stdio: ["ignore", "ignore", "inherit"],
  });
  return status === 0 ? null : "Go does not build it";
}

type Told = Readonly<Record<string, string>>;

/** A running agent. */
export class Agent {
  readonly #kind: Kind;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | null = null;
  readonly #lines: Told[] = [];
  #wake: () => void = () => {};
  #ended: Error | null = null;

  constructor(kind: Kind, env: Readonly<Record<string, string>>) {
    this.#kind = kind;
    this.#env = env;
  }

  /** Opens the next session, watched when it resolves. */
  async next(): Promise<string> {
    if (this.#child === null || this.#kind.once === true) {
      await this.end();
      this.#start();
    }
    this.#child?.stdin?.write("next\n");
    return this.#told("session_id");
  }

  /** When it knew that it was stopped, in nanoseconds of CLOCK_MONOTONIC. */
  async cancelled(): Promise<bigint> {
    return BigInt(await this.#told("cancelled_ns"));
  }

  async end(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const closed = new Promise((yes) => child.once("close", yes));
      child.stdin?.end();
      await closed;
    }
  }

  #start(): void {
    const [program = "", ...words] = this.#kind.command;
    this.#ended = null;
    const child = spawn(program, words, {
      env: { ...process.env, ...this.#kind.env, ...this.#env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    // What it logs matters only when it fails.
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-2000);
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) {
        this.#lines.push(JSON.parse(line) as Told);
        this.#wake();
      }
    });
    child.once("close", (status) => {
      this.#ended = new Error(`${this.#kind.name} ended with ${status}: ${said}`);
      this.#wake();
    });
  }

  async #told(name: string): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line?.[name] !== undefined) {
        return line[name];
      }
      if (line === undefined) {
        if (this.#ended !== null) {
          throw this.#ended;
        }
        await new Promise<void>((yes) => {
          this.#wake = yes;
        });
      }
    }
  }
}
