import { chmodSync, copyFileSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { readProcess } from "../../src/supervisor/processes.js";
import { needsPython } from "../cli/terminal.js";
import { allGone, anyAlive, endLed, freshFolder, guardOf, isHeld, lead, makes_cgroups } from "./led.js";

/** Minds no SIGTERM. */
const stubborn = ["sh", "-c", `trap '' TERM; echo $$ >> $FOLDER/pids; while :; do sleep 0.05; done`];

/** Leaves processes behind that share neither session, nor group, nor parent, nor environment with it. */
const runaway = [
  "bash",
  "-c",
  `trap '' TERM
   note() { echo $1 >> $FOLDER/pids; }
   note $$
   setsid sleep 60 & note $!
   (setsid bash -c 'env -i sleep 60 & echo $! >> $FOLDER/pids; env -i setsid sleep 60 & echo $! >> $FOLDER/pids' &)
   (bash -c 'exec -a "" setsid sleep 60 > /dev/null 2>&1 < /dev/null & echo $! >> $FOLDER/pids' &)
   while :; do sleep 0.05; done`,
];
const runaways = 5;

/** Forks a child every 10 ms, each in a session of its own and half of them orphans, and minds nothing. */
const storm = [
  "python3",
  "-c",
  `
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def note(): open(os.environ["FOLDER"] + "/pids", "a").write("%d\\n" % os.getpid())
note()
while True:
    if os.fork() == 0:
        os.setsid()
        if os.getpid() % 2 == 0 and os.fork() != 0: os._exit(0)
        note()
        time.sleep(60)
        os._exit(0)
    time.sleep(0.01)
`,
];

const sights = makes_cgroups ? (["cgroup", "proc"] as const) : (["proc"] as const);
if (!makes_cgroups) {
  console.log("no control groups can be made here: supervision is tested by /proc alone");
}
for (const sight of sights) {
  describe(`a supervision that sees by ${sight}`, function () {
    this.timeout(30_000);
    afterEach(endLed);
    before(function () {
      needsPython(this);
      if (readProcess("/proc", process.pid) === null) this.skip();
    });

    it("ends a program that ignores SIGTERM before it says that it is stopped", async () => {
      const led = await lead(sight, stubborn);
      const pids = await led.pids(1);
      expect(led.sight).to.equal(sight);
      led.tell({ do: "stop" });
      expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
      expect(anyAlive(pids)).to.equal(false);
    });

    it("lets a program that minds SIGTERM end by itself", async () => {
      const led = await lead(
        sight,
        ["sh", "-c", `trap 'echo tidy; exit 0' TERM; echo $$ >> $FOLDER/pids; while :; do sleep 0.05; done`],
        { grace_ms: 20_000 },
      );
      await led.pids(1);
      led.tell({ do: "stop" });
      expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
      expect(led.stdout()).to.equal("tidy\n");
    });

    it("finds what left its session, its group, its parent and its environment", async () => {
      const led = await lead(sight, runaway);
      const pids = await led.pids(runaways);
      led.tell({ do: "stop" });
      expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
      expect(anyAlive(pids)).to.equal(false);
    });

    it("ends a storm of forks", async () => {
      const led = await lead(sight, storm);
      await led.pids(50);
      led.tell({ do: "stop" });
      expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
      expect(anyAlive(await led.pids(50))).to.equal(false);
    });

    it("holds every process, and lets them go on", async () => {
      const led = await lead(sight, runaway);
      const pids = await led.pids(runaways);
      led.tell({ do: "hold" });
      while (!pids.every((pid) => isHeld(pid))) await pause(10);
      led.tell({ do: "release" });
      while (pids.some((pid) => isHeld(pid))) await pause(10);
      expect(pids.every((pid) => anyAlive([pid]))).to.equal(true);
      led.tell({ do: "stop" });
      await led.finish;
    });

    it("stops what is held without letting it work on", async () => {
      const led = await lead(
        sight,
        ["sh", "-c", `trap 'echo tidy; exit 0' TERM; echo $$ >> $FOLDER/pids; while :; do sleep 0.05; done`],
        { grace_ms: 20_000 },
      );
      const pids = await led.pids(1);
      led.tell({ do: "hold" });
      while (!pids.every((pid) => isHeld(pid))) await pause(10);
      led.tell({ do: "stop" });
      expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
      expect(led.stdout()).to.equal("tidy\n");
    });

    it("ends everything when it is killed itself", async () => {
      const led = await lead(sight, runaway);
      const pids = await led.pids(runaways);
      led.process.kill("SIGKILL");
      await allGone(pids);
    });

    it("ends everything when it is held for longer than it promised to be heard", async () => {
      const led = await lead(sight, stubborn);
      const pids = await led.pids(1);
      led.tell({ do: "alive", within_ms: 100 });
      led.tell({ do: "alive", within_ms: 300 });
      await pause(50);
      led.process.kill("SIGSTOP");
      await allGone(pids);
      led.process.kill("SIGCONT");
      expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
      expect(led.stderr()).to.contain("its guard has ended the run");
    });

    it("replaces a guard that is killed, and the next one does its duty", async () => {
      const led = await lead(sight, runaway);
      const pids = await led.pids(runaways);
      const command = pids[0] ?? 0;
      const first = guardOf(led, command);
      process.kill(first, "SIGTERM");
      process.kill(first, "SIGINT");
      process.kill(first, "SIGHUP");
      process.kill(first, "SIGKILL");
      while (!led.stderr().includes("killed: another is in its place (1 of 16)")) await pause(10);
      expect(guardOf(led, command)).not.to.equal(first);
      led.process.kill("SIGKILL");
      await allGone(pids);
    });

    it("ends what its command leaves running, and gives the command's status", async () => {
      const led = await lead(sight, ["bash", "-c", `setsid sleep 60 & echo $! >> $FOLDER/pids; exit 7`]);
      expect(await led.finish).to.deep.equal({ kind: "exited", status: 7, background: 1, left: [] });
      expect(anyAlive(await led.pids(1))).to.equal(false);
      expect(led.stderr()).to.contain("ending what bash left running: 1 process");
    });
  });
}

describe("a supervision", function () {
  this.timeout(30_000);
  afterEach(endLed);

  it("sees no further than the group where there is no /proc, and says so", async () => {
    const led = await lead("group", stubborn);
    const pids = await led.pids(1);
    expect(led.sight).to.equal("group");
    led.tell({ do: "stop" });
    expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
    expect(anyAlive(pids)).to.equal(false);
  });

  it("ends the group where there is no /proc when it is killed itself", async () => {
    const led = await lead("group", stubborn);
    const pids = await led.pids(1);
    led.process.kill("SIGKILL");
    await allGone(pids);
  });

  it("remembers who has left where no mark can be set in limits", async function () {
    if (readProcess("/proc", process.pid) === null) this.skip();
    // A PATH without prlimit; the wanderer stays with its parent until it has been seen.
    const led = await lead("proc", ["/bin/bash", "-c", wanderer], { env: { PATH: withoutPrlimit() } });
    const pids = await led.pids(2);
    led.tell({ do: "stop" });
    expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
    expect(anyAlive(pids)).to.equal(false);
  });

  it("never starts a command that was stopped before it", async () => {
    const led = await lead("proc", ["sh", "-c", "echo started"], { env: { KILLCORD_TEST_FIRST: "stop" } });
    expect(await led.finish).to.deep.equal({ kind: "stopped", left: [] });
    expect(led.stdout()).to.equal("");
  });

  it("starts a command that is held when it is let go on, and never one that is stopped meanwhile", async () => {
    const held = { env: { KILLCORD_TEST_FIRST: "hold" } };
    const first = await lead("proc", ["sh", "-c", "echo started"], held);
    first.tell({ do: "release" });
    expect(await first.finish).to.include({ kind: "exited", status: 0 });
    expect(first.stdout()).to.equal("started\n");
    const second = await lead("proc", ["sh", "-c", "echo started"], held);
    second.tell({ do: "stop" });
    expect(await second.finish).to.deep.equal({ kind: "stopped", left: [] });
    expect(second.stdout()).to.equal("");
  });

  // Only root can make a program that becomes root under somebody else.
  const makes_others = process.getuid?.() === 0 && existsSync("/usr/bin/setpriv");
  if (makes_others) {
    it("never calls stopped what it could not end: a process that became another user's", async () => {
      const shell = join(freshFolder(), "shell");
      copyFileSync("/bin/bash", shell);
      chmodSync(shell, 0o4755);
      const leaving = `${shell} -p -c 'echo $$ >> $FOLDER/pids; exec setpriv --reuid=0 --regid=0 --clear-groups sleep 60' & wait`;
      const led = await lead("proc", ["bash", "-c", leaving], {
        uid: 65_534,
        env: { KILLCORD_TEST_KILL_MS: "1000" },
      });
      const [pid = 0] = await led.pids(1);
      while (ownerOf(pid) !== 0) await pause(10);
      led.tell({ do: "stop" });
      const finish = await led.finish;
      expect(finish.kind).to.equal("stopped");
      expect("left" in finish && finish.left.map((each) => each.pid)).to.deep.equal([pid]);
      process.kill(pid, "SIGKILL");
    });
  }
});

/** Leaves its parent, its session and its environment, after a while. */
const wanderer = `echo $$ >> $FOLDER/pids
  (env -i FOLDER=$FOLDER setsid /bin/bash -c 'sleep 2; echo $$ >> $FOLDER/pids; exec sleep 60' & sleep 1.5) &
  while :; do sleep 0.05; done`;

/** A folder of all that the scripts here need, and no more. */
function withoutPrlimit(): string {
  const folder = freshFolder();
  for (const name of ["env", "setsid", "sleep"]) symlinkSync(`/usr/bin/${name}`, join(folder, name));
  return folder;
}

/** The user that a process really is. */
function ownerOf(pid: number): number {
  return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
