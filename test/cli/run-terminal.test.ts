import { resolve } from "node:path";
import { expect } from "chai";
import { type Served, serve } from "../server/served.js";
import { needsPython, typed } from "./terminal.js";

describe("killcord run at a terminal", function () {
  this.timeout(30_000);
  let server: Served;

  before(async function () {
    needsPython(this);
    server = await serve();
  });
  after(async () => {
    await server?.end();
  });

  const killcord_run = [process.execPath, resolve("dist/src/main.js"), "run", "--"];

  it("lets the command read from it and know its size, and gives it Ctrl-C once", async () => {
    const script = `trap 'echo interrupted; n=$((n+1))' INT; stty size; read -p 'name? ' name; echo "hello $name"
      echo ready; until [ -n "$n" ]; do sleep 0.05; done; sleep 0.3; echo "times: $n"; exit 9`;
    const { shown, status } = await typed(
      server,
      [
        ["name? ", "bob\n"],
        ["ready", "\u0003"],
      ],
      [...killcord_run, "bash", "-c", script],
    );
    expect(shown).to.match(/^\d+ \d+$/m);
    expect(shown).to.contain("name? bob\nhello bob\n");
    expect(shown).to.contain("times: 1\n");
    expect(status).to.equal(9);
  });

  it("ends with the command that Ctrl-C ends", async () => {
    // No shell: one that is about to fork keeps the signal to itself, and waits for what it has forked.
    const program =
      "import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); print('ready', flush=True); time.sleep(60)";
    const { status } = await typed(
      server,
      [["ready", "\u0003"]],
      [...killcord_run, "python3", "-c", program],
    );
    expect(status).to.equal(130);
  });

  it("holds the command by Ctrl-Z and lets it go on by fg", async () => {
    const inner = [...killcord_run, "bash", "-c", "echo ready; read x; echo got $x"];
    const quoted = inner.map((word) => `'${word}'`).join(" ");
    // A shell with jobs, which is what Ctrl-Z gives the terminal back to.
    const { shown, status } = await typed(
      server,
      [
        ["bash-", `${quoted}\n`],
        ["ready\r\n", "\u001a"],
        ["Stopped", "fg\n"],
        ["read x; echo got", "word\n"],
        ["got word\r\n", "exit 7\n"],
      ],
      ["bash", "--norc", "-i"],
    );
    expect(shown).to.contain("got word");
    expect(status).to.equal(7);
  });
});
