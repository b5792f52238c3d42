import { expect } from "chai";
import fc from "fast-check";
import { kinOf, type Traces } from "../../src/supervisor/kinship.js";
import type { Process } from "../../src/supervisor/processes.js";

const command: Process = { pid: 100, parent: 50, group: 100, session: 100, state: "S", started_ticks: 1000 };
const nobody = () => false;

function traces(more: Partial<Traces> = {}): Traces {
  return {
    leader: 100,
    since_ticks: 1000,
    known: new Map(),
    grouped: new Set(),
    apart: new Set([50, 60]),
    supervisor: 50,
    ...more,
  };
}

function another(pid: number, more: Partial<Process> = {}): Process {
  return { pid, parent: 1, group: pid, session: pid, state: "S", started_ticks: 1001, ...more };
}

function pidsOf(found: readonly Process[]): number[] {
  return found.map(({ pid }) => pid).sort((a, b) => a - b);
}

describe("the kin of a run", () => {
  it("are those in its session or group, and all that descend from them", () => {
    const processes = [
      command,
      another(101, { session: 100 }),
      another(102, { group: 100 }),
      another(103, { parent: 101 }),
      another(104, { parent: 103 }),
      another(105),
    ];
    expect(pidsOf(kinOf(processes, traces(), nobody))).to.deep.equal([100, 101, 102, 103, 104]);
  });

  it("are those that bear its mark, that a control group names, or that were known, with their children", () => {
    const processes = [another(201), another(202), another(203), another(204, { parent: 203 }), another(205)];
    const found = kinOf(
      processes,
      traces({ grouped: new Set([202]), known: new Map([[203, 1001]]) }),
      (pid) => pid === 201,
    );
    expect(pidsOf(found)).to.deep.equal([201, 202, 203, 204]);
  });

  it("are never older than the command, whatever number they have", () => {
    const older = { started_ticks: 999 };
    const processes = [
      another(301, { session: 100, ...older }),
      another(302, { ...older }),
      another(303, { ...older }),
      another(304, { parent: 50, ...older }),
    ];
    const found = kinOf(
      processes,
      traces({ grouped: new Set([302]), known: new Map([[303, 999]]) }),
      () => true,
    );
    expect(found).to.deep.equal([]);
  });

  it("are not those whose number was known for another", () => {
    expect(kinOf([another(401)], traces({ known: new Map([[401, 1002]]) }), nobody)).to.deep.equal([]);
  });

  it("are neither the supervisor nor its guard, nor who has ended", () => {
    const processes = [
      another(50, { session: 100 }),
      another(60, { parent: 50, session: 100 }),
      { ...command, state: "Z" },
      another(501, { session: 100, state: "X" }),
    ];
    expect(kinOf(processes, traces(), () => true)).to.deep.equal([]);
  });

  it("are the orphans that come to a supervisor that is init", () => {
    expect(pidsOf(kinOf([another(601, { parent: 1 })], traces({ supervisor: 1 }), nobody))).to.deep.equal([
      601,
    ]);
  });

  it("are the same as by the slow way, whatever the machine looks like", () => {
    const process = fc.record({
      pid: fc.integer({ min: 90, max: 130 }),
      parent: fc.integer({ min: 45, max: 130 }),
      group: fc.constantFrom(100, 7),
      session: fc.constantFrom(100, 8, 9, 10),
      state: fc.constantFrom("S", "R", "Z", "T"),
      started_ticks: fc.integer({ min: 999, max: 1001 }),
    });
    const machine = fc.uniqueArray(process, { selector: ({ pid }) => pid, maxLength: 30 });
    fc.assert(
      fc.property(machine, fc.set(fc.integer({ min: 90, max: 130 })), (processes, marked) => {
        const bears = (pid: number) => marked.has(pid);
        expect(pidsOf(kinOf(processes, traces(), bears))).to.deep.equal(slowKin(processes, traces(), bears));
      }),
      { numRuns: 2000 },
    );
  });
});

/** Asks every process about every other until nothing changes. */
function slowKin(processes: readonly Process[], by: Traces, bears: (pid: number) => boolean): number[] {
  const could = processes.filter(
    ({ pid, state, started_ticks }) => started_ticks >= by.since_ticks && !by.apart.has(pid) && state !== "Z",
  );
  let kin: number[] = [];
  for (;;) {
    const next = could
      .filter(
        ({ pid, parent, group, session }) =>
          group === by.leader ||
          session === by.leader ||
          parent === by.supervisor ||
          bears(pid) ||
          kin.includes(parent),
      )
      .map(({ pid }) => pid)
      .sort((a, b) => a - b);
    if (next.length === kin.length) return next;
    kin = next;
  }
}
