/** A file that tests policies: what is asked for in which order, and what is expected. */
import type { Amounts, Verdict } from "../core/event-parts.js";
import type { Json, JsonObject } from "../core/policy/document.js";
import { microsOf } from "../core/policy/money.js";
import { limits } from "../limits.js";
import type { FileFault } from "./policy-file.js";
import { fieldOf } from "./read-policy.js";
import { faultsBy } from "./schema-faults.js";
import { test_schema } from "./test-schema.js";
import { type Place, readYaml } from "./yaml-text.js";

/** What a session of a test starts with. */
export interface TestSession {
  readonly agent_id?: string;
  readonly label?: string;
  readonly budgets?: JsonObject;
  readonly spent?: { readonly actions?: number; readonly tokens?: number; readonly cost_usd?: Json };
}

/** One step of a test: an action that is asked for, or a session that is started. */
export interface TestStep {
  readonly action_type?: string;
  readonly start?: string;
  readonly content?: string;
  readonly metadata?: JsonObject;
  readonly cost?: TestAmounts;
  readonly estimate?: TestAmounts;
  readonly after_seconds?: number;
  readonly at?: string;
  readonly session?: string | null;
  readonly agent_id?: string;
  readonly repeat?: number;
  readonly expect?: Verdict | "started" | "above_ceiling";
  readonly policy?: string;
  readonly policies?: readonly string[];
  readonly shadowed?: readonly string[];
  readonly warning?: string;
  readonly budgets?: JsonObject;
}

interface TestAmounts {
  readonly tokens?: number;
  readonly cost_usd?: Json;
}

/** One test. */
export interface PolicyTest extends TestSession {
  readonly name: string;
  readonly at?: string;
  readonly sessions?: Readonly<Record<string, TestSession>>;
  readonly actions: readonly TestStep[];
}

/** A test with the places of its steps. */
export interface FiledTest {
  readonly test: PolicyTest;
  /** Of the test, and of each step. */
  readonly place: Place;
  readonly places: readonly Place[];
}

/** What a file of tests holds. */
export interface TestFile {
  /** Files of policies, as the file names them. */
  readonly policies: readonly string[];
  readonly tests: readonly FiledTest[];
  readonly faults: readonly FileFault[];
}

const findFaults = faultsBy(test_schema);

/** Reads the text of a file of tests; `file` is its name, which ends in `.test.yaml` or `.test.yml`. */
export function readTestFile(file: string, text: string): TestFile {
  const { documents, faults } = readYaml(text);
  const found: FileFault[] = faults.map((fault) => ({ file, ...fault }));
  const [document, second] = documents;
  if (found.length === 0 && (document === undefined || second !== undefined)) {
    found.push({ file, line: 1, column: 1, message: "expected one document, with tests" });
  }
  if (document === undefined || found.length > 0) {
    return { policies: [], tests: [], faults: found };
  }
  const { value, place } = document;
  const refuse = (path: string, message: string) => {
    const field = fieldOf(path);
    found.push({ file, ...place(path), message: field === "" ? message : `${field}: ${message}` });
  };
  const wrong = findFaults(value);
  for (const { path, message } of wrong) {
    refuse(path, message);
  }
  if (wrong.length > 0) {
    return { policies: [], tests: [], faults: inOrder(found) };
  }
  const { policies = [beside(file)], tests } = value as {
    readonly policies?: readonly string[];
    readonly tests: readonly PolicyTest[];
  };
  for (const [i, test] of tests.entries()) {
    refuseSteps(test, `/tests/${i}`, refuse);
  }
  const filed = tests.map((test, i) => ({
    test,
    place: place(`/tests/${i}`),
    places: test.actions.map((_, j) => place(`/tests/${i}/actions/${j}`)),
  }));
  return { policies, tests: filed, faults: inOrder(found) };
}

function inOrder(faults: readonly FileFault[]): readonly FileFault[] {
  return [...faults].sort((a, b) => a.line - b.line || a.column - b.column).slice(0, limits.issues_listed);
}

/** `spending.yaml` of `packs/spending.test.yaml`. */
function beside(file: string): string {
  return (file.split("/").at(-1) ?? file).replace(/\.test(\.ya?ml)$/, "$1");
}

/** What the schema has no word for. */
function refuseSteps(test: PolicyTest, at: string, refuse: (path: string, message: string) => void): void {
  let expects = 0;
  test.actions.forEach((step, i) => {
    const path = `${at}/actions/${i}`;
    if ((step.action_type === undefined) === (step.start === undefined)) {
      refuse(path, "expected action_type, or else start");
    }
    if (step.at !== undefined && step.after_seconds !== undefined) {
      refuse(`${path}/at`, "not together with after_seconds");
    }
    if (step.at !== undefined && Number.isNaN(Date.parse(step.at))) {
      refuse(`${path}/at`, "is no time");
    }
    if (step.cost !== undefined && step.estimate !== undefined) {
      refuse(`${path}/estimate`, "not together with cost");
    }
    const of_starts = step.expect === "started" || step.expect === "above_ceiling";
    if (step.expect !== undefined && of_starts !== (step.start !== undefined)) {
      refuse(`${path}/expect`, of_starts ? "is for a start" : "is for an action");
    }
    const expected = [step.policy, step.policies, step.shadowed, step.warning, step.budgets];
    if (step.expect === undefined && expected.some((each) => each !== undefined)) {
      refuse(path, "expect is required beside what else is expected");
    }
    expects += step.expect === undefined ? 0 : 1;
  });
  if (test.at !== undefined && Number.isNaN(Date.parse(test.at))) {
    refuse(`${at}/at`, "is no time");
  }
  if (expects === 0) {
    refuse(`${at}/actions`, "nothing is expected: a test that cannot fail");
  }
}

/** An amount of a test as the core has it; the schema has seen to its form. */
export function amountsOf(amounts: TestAmounts | undefined): Amounts | null {
  return amounts === undefined
    ? null
    : {
        tokens: amounts.tokens ?? 0,
        cost_usd_micros: amounts.cost_usd === undefined ? 0 : (microsOf(amounts.cost_usd) ?? 0),
      };
}
