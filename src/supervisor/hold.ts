/** Who holds a run: an order of the server, the terminal, or both. It goes on when neither does. */
import type { Family } from "./family.js";

export type Holder = "order" | "terminal";

export interface Hold {
  by(holder: Holder): void;
  noMore(holder: Holder): void;
  /** Resolves when nobody holds the run. */
  open(): Promise<void>;
}

export function openHold(family: Family): Hold {
  const holders = new Set<Holder>();
  let waiting: (() => void)[] = [];
  return {
    by: (holder) => {
      holders.add(holder);
      family.hold();
    },
    noMore: (holder) => {
      if (!holders.delete(holder) || holders.size > 0) return;
      family.release();
      for (const wake of waiting) wake();
      waiting = [];
    },
    open: async () => {
      while (holders.size > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
