import { expect } from "chai";
import { engineClock, every } from "../../src/engine/clock.js";
import { ManualTime } from "./manual-time.js";

const day_ms = 24 * 3600 * 1000;

describe("the engine's clock", () => {
  it("begins with the wall clock when the log is older", () => {
    const time = new ManualTime();
    expect(engineClock(time.wall - 5, time).now()).to.equal(time.wall);
  });

  it("begins with the last sealed time when the wall clock is behind it", () => {
    const time = new ManualTime();
    expect(engineClock(time.wall + day_ms, time).now()).to.equal(time.wall + day_ms);
  });

  for (const set_ms of [day_ms, -day_ms]) {
    it(`does not care when the wall clock is set by ${set_ms / day_ms} day`, () => {
      const time = new ManualTime();
      const clock = engineClock(0, time);
      const began = clock.now();
      time.wall += set_ms;
      time.pass(1500);
      expect(clock.now() - began).to.equal(1500);
    });
  }

  it("counts whole milliseconds", () => {
    const time = new ManualTime();
    time.wall += 0.7;
    const clock = engineClock(0, time);
    time.pass(0.6);
    expect(Number.isInteger(clock.now())).to.equal(true);
  });
});

describe("a regular task", () => {
  it("runs at every interval until it is ended", () => {
    const time = new ManualTime();
    const clock = engineClock(0, time);
    const began = clock.now();
    const runs: number[] = [];
    const end = every(clock, 100, () => runs.push(clock.now() - began));
    time.pass(350);
    end();
    time.pass(350);
    expect(runs).to.deep.equal([100, 200, 300]);
    expect(time.tasks).to.equal(0);
  });
});
