/** Runs one command of the build or the tests: in a group of its own, with an end in sight. */
import { spawn } from "node:child_process";
import { root } from "./root.mjs";

/** Groups under way: Ctrl-C does not reach a group of its own, so it is passed on. */
const groups = new Set();

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  process.on(signal, () => {
    for (const group of groups) {
      end(group);
    }
    process.exit(status);
  });
}

/**
 * @param {string} program path or name; `node` is the Node that runs this
 * @param {readonly string[]} args
 * @param {{ timeout_seconds: number, show?: boolean, env?: NodeJS.ProcessEnv, cwd?: string }} options
 *   show: the command writes to our terminal as it goes, and `output` stays empty
 * @returns {Promise<{ ok: boolean, output: string, why: string }>} why: "" or how it failed
 */
export function command(program, args, { timeout_seconds, show = false, env = environment(), cwd = root }) {
  return new Promise((done) => {
    const child = spawn(program === "node" ? process.execPath : program, args, {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    });
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text) => (output += text));
    child.stderr?.setEncoding("utf8").on("data", (text) => (output += text));
    let why = "";
    const timer = setTimeout(() => {
      why = `not done after ${timeout_seconds} seconds: ended`;
      end(child.pid);
    }, timeout_seconds * 1000);
    groups.add(child.pid);
    const finish = (reason) => {
      clearTimeout(timer);
      groups.delete(child.pid);
      why ||= reason;
      done({ ok: why === "", output, why });
    };
    child.on("error", (error) => finish(error.message));
    // What a child leaves running holds its pipes open: end it, so that "close" comes.
    child.on("exit", () => end(child.pid));
    child.on("close", (status, signal) => finish(status === 0 ? "" : `exit status ${status ?? signal}`));
  });
}

function end(group) {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/**
 * The environment of everything that is tested: what a developer has set for his own server or
 * collector must not change a result, and no proxy stands between a test and its own server.
 */
export function environment() {
  const env = { ...process.env, NO_PROXY: "127.0.0.1,localhost,::1", no_proxy: "127.0.0.1,localhost,::1" };
  for (const name of Object.keys(env)) {
    if (/^(KILLCORD|OTEL)_/i.test(name)) {
      delete env[name];
    }
  }
  return env;
}
