/** The demo's live account in the terminal: three lines that fill, or plain lines where there is no terminal. */
import { clearScreenDown, moveCursor } from "node:readline";
import { SessionStatus } from "../../gen/killcord/v1/session_pb.js";
import { showUsd } from "./budget-view.js";
import type { Allowance } from "./demo-words.js";
import { colour, print } from "./output.js";
import { showStatus } from "./session-view.js";
import { table } from "./table.js";

/** What is known of one agent. */
export interface Standing {
  readonly agent_id: string;
  /** What it may spend; null for no limit. */
  allowance: Allowance | null;
  state: "waiting" | "running" | "held" | "stopped";
  actions: number;
  bytes: number;
}

/** The account. Says nothing when `quiet`. */
export interface View {
  /** Something happened that is worth a line. */
  event(line: string): void;
  /** Ends the moving part; once is enough. */
  close(): void;
}

/** Shows the standings, as they change, until closed. */
export function openView(standings: readonly Standing[], quiet: boolean): View {
  if (quiet) return { event: () => undefined, close: () => undefined };
  const began_ms = performance.now();
  const stamp = () => colour("dim", `${((performance.now() - began_ms) / 1000).toFixed(1).padStart(5)} s`);
  if (!process.stdout.isTTY) {
    return { event: (line) => print(`${stamp()}  ${line}`), close: () => undefined };
  }
  let drawn = 0;
  const erase = () => {
    if (drawn > 0) moveCursor(process.stdout, 0, -drawn);
    clearScreenDown(process.stdout);
    drawn = 0;
  };
  const draw = () => {
    erase();
    const text = lines(standings);
    process.stdout.write(`${text}\n`);
    drawn = text.split("\n").length;
  };
  draw();
  let open = true;
  const timer = setInterval(draw, 100);
  return {
    event: (line) => {
      erase();
      print(`${stamp()}  ${line}`);
      draw();
    },
    close: () => {
      if (!open) return;
      open = false;
      clearInterval(timer);
      draw();
    },
  };
}

function lines(standings: readonly Standing[]): string {
  return table(
    [
      { heading: "AGENT" },
      { heading: "STATUS" },
      { heading: "ACTIONS", align: "right" },
      { heading: "SPENT" },
      { heading: "HASHED", align: "right" },
    ],
    standings.map((agent) => [
      agent.agent_id,
      status(agent.state),
      String(agent.actions),
      bar(agent),
      megabytes(agent.bytes),
    ]),
  );
}

function status(state: Standing["state"]): string {
  switch (state) {
    case "waiting":
      return colour("dim", "○ waiting");
    case "running":
      return showStatus(SessionStatus.ACTIVE);
    case "held":
      return showStatus(SessionStatus.PAUSED);
    case "stopped":
      return showStatus(SessionStatus.KILLED);
  }
}

function bar({ actions, allowance }: Standing): string {
  if (allowance === null) return "";
  const { limit, each } = allowance;
  const spent = Math.min(actions * each, limit);
  const filled = Math.floor((20 * spent) / limit);
  const figures =
    allowance.unit === "cost" ? `${showUsd(spent)}/${showUsd(limit)}` : `${spent}/${limit} tokens`;
  return `${"█".repeat(filled)}${"░".repeat(20 - filled)} ${figures}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
