/** `serve --policies`: a directory whose policies are in force, told of in the log, in /readyz and in figures. */
import type { Logger } from "pino";
import type { Engine } from "../engine/engine.js";
import { faultLine } from "../policies/policy-file.js";
import type { Warning } from "../services/door.js";
import { type Loaded, PolicyFiles } from "../services/policy-files.js";
import { brokenFiles } from "./policy-folder.js";

/**
 * Puts the policies of a directory in force before anything is decided, and goes on reading it.
 *
 * @throws {CommandFailure} when it has a fault and no policy of an earlier start is in force: a server
 *   that was told to have policies must not allow everything for want of them
 */
export async function openPolicyFiles(engine: Engine, directory: string, log: Logger): Promise<PolicyFiles> {
  const files = new PolicyFiles(engine, directory, (loaded) => tell(log, loaded));
  // Before it is read: what changes in between would else never be seen.
  await files.watch();
  await files.read();
  if (files.state.faults.length > 0 && !files.in_force) {
    files.end();
    throw brokenFiles(files.state.faults, "so the server would start without a policy");
  }
  return files;
}

function tell(log: Logger, { changes, faults }: Loaded): void {
  for (const fault of faults) {
    log.error({ file: fault.file, line: fault.line, column: fault.column }, faultLine(fault));
  }
  if (faults.length > 0) {
    log.error({ faults: faults.length }, "the policies of the files are not put in force: those before stay");
    return;
  }
  for (const { kind, name, document, before } of changes) {
    log.info({ policy_id: (document ?? before)?.policy_id, name }, `a policy of the files was ${kind}`);
  }
  log.info({ changes: changes.length }, "the policies of the files are in force");
}

/** For /readyz: commands are taken all the same. */
export function policyWarnings(files: PolicyFiles | null): readonly Warning[] {
  const [first] = files?.state.faults ?? [];
  if (first === undefined) {
    return [];
  }
  const message = `the policies of the files are not put in force, those before stay: ${faultLine(first)}`;
  return [{ code: "policies_not_loaded", message }];
}
