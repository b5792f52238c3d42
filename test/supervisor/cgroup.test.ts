import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { makeCgroup, ownCgroup } from "../../src/supervisor/cgroup.js";

describe("a control group", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "killcord-cgroup-"));
    mkdirSync(join(folder, "self"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** What /proc/self tells. */
  function told(cgroup: string, mountinfo: string): string | null {
    writeFileSync(join(folder, "self/cgroup"), cgroup);
    writeFileSync(join(folder, "self/mountinfo"), mountinfo);
    return ownCgroup(folder);
  }

  it("of our own is found where version 2 is mounted, alone or beside version 1", () => {
    const alone = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
    expect(told("0::/user.slice/a.scope\n", alone)).to.equal("/sys/fs/cgroup/user.slice/a.scope");
    expect(told("0::/\n", alone)).to.equal("/sys/fs/cgroup/");
    const beside = `31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 23 0:28 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw\n`;
    expect(told("4:cpu:/b\n0::/c\n", beside)).to.equal("/sys/fs/cgroup/uni fied/c");
  });

  it("of our own is found below the part that a container shows, and not outside it", () => {
    const part = "30 23 0:26 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n";
    expect(told("0::/docker/x/y\n", part)).to.equal("/sys/fs/cgroup/y");
    expect(told("0::/docker/xy\n", part)).to.equal(null);
  });

  it("is not found where there is only version 1, or nothing", () => {
    expect(told("4:cpu:/b\n", "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n")).to.equal(null);
    expect(ownCgroup(join(folder, "none"))).to.equal(null);
  });

  it("is not made in a folder that is none, nor where nothing may be made; nothing is left there", () => {
    expect(makeCgroup(folder, "run")).to.equal(null);
    expect(readdirSync(folder)).to.deep.equal(["self"]);
    expect(makeCgroup(join(folder, "none"), "run")).to.equal(null);
  });
});
