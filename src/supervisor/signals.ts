/** Passes the signals that this process gets on to the command of the run. */
import type { Family } from "./family.js";

/** What a terminal sends to all processes in its foreground; the command's group stands for them. */
const of_terminals = ["SIGINT", "SIGQUIT", "SIGHUP", "SIGWINCH"] as const;
/** What is sent to one process, by its number. */
const of_people = ["SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

/** Those that end a program which does not mind them. */
const ending: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM"];

/** How long a program gets to put its terminal in order before it is held. */
const put_in_order_ms = 50;

export interface Passing {
  /** Begins: until then a signal that would end a program is given to `early`. */
  begin(): void;
  /** Ends: signals do to this process what they always did. */
  end(): void;
}

/** Takes the signals. A terminal holds its job by Ctrl-Z (`hold`), and `fg` lets it go on (`release`). */
export function passSignals(
  family: Family,
  on: {
    readonly early: (signal: NodeJS.Signals) => void;
    readonly hold: () => void;
    readonly release: () => void;
  },
): Passing {
  let begun = false;
  const listeners = new Map<NodeJS.Signals, () => void>();
  for (const signal of [...of_terminals, ...of_people]) {
    const to_group = (of_terminals as readonly string[]).includes(signal);
    listeners.set(signal, () => {
      if (!begun) return ending.includes(signal) ? on.early(signal) : undefined;
      return to_group ? family.signalGroup(signal) : family.signalLeader(signal);
    });
  }
  listeners.set("SIGTSTP", () => {
    family.signalGroup("SIGTSTP");
    setTimeout(() => {
      on.hold();
      // The shell sees its job stopped by our being so.
      process.kill(process.pid, "SIGSTOP");
    }, put_in_order_ms);
  });
  listeners.set("SIGCONT", () => {
    on.release();
    family.signalGroup("SIGCONT");
  });
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return {
    begin: () => {
      begun = true;
    },
    end: () => {
      for (const [signal, listener] of listeners) process.off(signal, listener);
    },
  };
}
