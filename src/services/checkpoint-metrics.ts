/** Figures of the checkpoints for Prometheus: an alarm on these is an alarm on the evidence. */
import { Gauge, type Registry } from "prom-client";

export interface CheckpointFigures {
  /** Entries that the newest signed checkpoint covers, and those of the one that is shown. */
  readonly signed_entries: number;
  readonly shown_entries: number;
  /** Whether too few witnesses have signed the newest. */
  readonly unwitnessed: boolean;
  /** By its name, whether each witness has signed the newest. */
  readonly witnesses: ReadonlyMap<string, boolean>;
}

export function addCheckpointGauges(registers: Registry[], figures: () => CheckpointFigures): void {
  const gauge = (name: string, help: string, value: (now: CheckpointFigures) => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(figures()));
      },
    });
  gauge("killcord_checkpoint_entries", "Entries of the newest checkpoint", (now) => now.signed_entries);
  gauge("killcord_checkpoint_shown_entries", "Entries of the checkpoint shown", (now) => now.shown_entries);
  gauge("killcord_checkpoint_unwitnessed", "1 while too few witnesses have signed the newest", (now) =>
    now.unwitnessed ? 1 : 0,
  );
  new Gauge({
    name: "killcord_witness_signed",
    help: "1 when the witness has signed the newest checkpoint",
    // Witnesses are few, and named in the settings.
    labelNames: ["witness"],
    registers,
    collect() {
      this.reset();
      for (const [witness, signed] of figures().witnesses) {
        this.set({ witness }, signed ? 1 : 0);
      }
    },
  });
}
