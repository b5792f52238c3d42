/** Figures of policies: which are in force, and how their files are. */
import { Gauge, type Registry } from "prom-client";
import type { Engine } from "../engine/engine.js";
import type { PolicyFilesState } from "./policy-files.js";

/** @param files of a server that reads a directory; null of one that does not */
export function addPolicyGauges(
  registers: Registry[],
  engine: Engine,
  files: () => PolicyFilesState | null,
): void {
  new Gauge({
    name: "killcord_policies",
    help: "Policies, by whether they are live, in shadow or off",
    labelNames: ["mode"],
    registers,
    collect() {
      this.reset();
      const count = { live: 0, shadow: 0, off: 0 };
      for (const { document } of engine.projection.state.policies.values()) {
        count[document.enabled ? document.mode : "off"] += 1;
      }
      for (const [mode, value] of Object.entries(count)) {
        this.set({ mode }, value);
      }
    },
  });
  new Gauge({
    name: "killcord_policy_file_faults",
    help: "What is wrong with the files of policies as they are now, by file, line and column; none when all is well",
    labelNames: ["place", "fault"],
    registers,
    collect() {
      this.reset();
      for (const { file, line, column, message } of files()?.faults.slice(0, faults_shown) ?? []) {
        this.set({ place: `${file}:${line}:${column}`, fault: message }, 1);
      }
    },
  });
  new Gauge({
    name: "killcord_policy_files_loaded_timestamp_seconds",
    help: "When the policies in force were those of the files last, 0 for not since the start",
    registers,
    collect() {
      this.set((files()?.loaded_at ?? 0) / 1000);
    },
  });
}

/** A label is a text of whoever writes files; so many are shown, and only while they stand there. */
const faults_shown = 20;
