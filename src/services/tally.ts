/** Counters of what happens often. */
import { Counter, type Registry } from "prom-client";

/** A counter that is added to in plain numbers: labels become text only when somebody reads. */
export interface Tally<Labels extends readonly string[]> {
  readonly add: (...labels: Labels) => void;
}

export function tally<Labels extends readonly string[]>(
  registers: Registry[],
  name: string,
  help: string,
  labels: readonly string[],
): Tally<Labels> {
  const counts = new Map<string, { readonly labels: Labels; count: number }>();
  new Counter({
    name,
    help,
    labelNames: [...labels],
    registers,
    collect() {
      this.reset();
      for (const { labels: values, count } of counts.values()) {
        this.inc(Object.fromEntries(labels.map((label, i) => [label, values[i] as string])), count);
      }
    },
  });
  return {
    add: (...values) => {
      const key = values.join("\0");
      const found = counts.get(key);
      if (found === undefined) {
        counts.set(key, { labels: values, count: 1 });
      } else {
        found.count += 1;
      }
    },
  };
}
