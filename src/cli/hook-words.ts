/**
 * What a coding agent tells its hooks and what it lets them answer: the JSON of Claude Code's hooks,
 * which others took over. Read with care for what is missing, as versions differ.
 */
import { Verdict } from "../../gen/killcord/v1/enforcement_pb.js";
import { type Session, SessionStatus, StopReason } from "../../gen/killcord/v1/session_pb.js";
import { limits } from "../limits.js";
import { CommandFailure } from "./failure.js";

/** An event as the coding agent tells it. */
export interface HookEvent {
  /** PreToolUse, PostToolUse, SessionEnd, … */
  readonly name: string;
  /** The coding agent's own session. */
  readonly coding_session: string;
  /** Empty where the event is about no tool. */
  readonly tool: string;
  /** The tool's input as JSON; empty where there is none. */
  readonly input: string;
  /** The agent's own id of this use of the tool. */
  readonly use_id: string | null;
}

/** What is written to stdout, one JSON object. An empty one leaves everything as it is. */
export interface HookAnswer {
  /** false ends the coding agent's run, whatever else is said. */
  readonly continue?: false;
  readonly stopReason?: string;
  readonly systemMessage?: string;
  readonly hookSpecificOutput?: {
    readonly hookEventName: "PreToolUse";
    readonly permissionDecision: "allow" | "deny" | "ask";
    readonly permissionDecisionReason: string;
  };
}

/** @throws CommandFailure when it is no event */
export function readEvent(text: string): HookEvent {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    throw noEvent("it is no JSON");
  }
  if (typeof event !== "object" || event === null) throw noEvent("it is no object");
  const fields = event as Record<string, unknown>;
  const { hook_event_name: name, session_id: coding_session, tool_name: tool, tool_use_id: use_id } = fields;
  if (typeof name !== "string") throw noEvent("hook_event_name is missing");
  if (typeof coding_session !== "string" || coding_session === "") throw noEvent("session_id is missing");
  if (name === "PreToolUse" && (typeof tool !== "string" || tool === ""))
    throw noEvent("tool_name is missing");
  return {
    name,
    coding_session,
    tool: typeof tool === "string" ? tool : "",
    input: fields.tool_input === undefined ? "" : JSON.stringify(fields.tool_input),
    use_id: typeof use_id === "string" && use_id !== "" ? use_id : null,
  };
}

function noEvent(why: string): CommandFailure {
  return new CommandFailure("invalid_argument", 2, `what came on stdin is no event of a hook: ${why}`);
}

/** The name of an action for a tool: what the API does not take becomes `_`. */
export function actionType(tool: string): string {
  return tool.replace(/[^A-Za-z0-9_.:/-]/g, "_").slice(0, 128);
}

/** Whether a tool's input is more than an action's text may be. */
export function isTooLong(input: string): boolean {
  return Buffer.byteLength(input) > limits.action_content_bytes;
}

/** What the agent may do, for a verdict. One that this version does not know is a refusal. */
export function answerTo(verdict: Verdict, reason: string, approves: boolean): HookAnswer {
  switch (verdict) {
    case Verdict.ALLOW:
      // Saying `allow` would skip the questions that the agent's own settings ask of its user.
      return approves ? decided("allow", reason) : {};
    case Verdict.ESCALATE:
      return decided("ask", reason);
    case Verdict.TERMINATE:
      return stopping(reason);
    default:
      return decided("deny", reason);
  }
}

export function decided(permissionDecision: "allow" | "deny" | "ask", reason: string): HookAnswer {
  return {
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision,
      permissionDecisionReason: `Killcord: ${reason}`,
    },
  };
}

/** The run is over. An agent that minds only the permission is denied all the same. */
export function stopping(reason: string): HookAnswer {
  return { continue: false, stopReason: `Killcord: ${reason}`, ...decided("deny", reason) };
}

/** How a session that is over came to its end; null for one that goes on. */
export function overWords(session: Session): string | null {
  const { status, killReason, stopReason, sessionId } = session;
  if (status === SessionStatus.ACTIVE || status === SessionStatus.PAUSED) return null;
  const why = stopReason ? ` (${StopReason[stopReason]?.toLowerCase() ?? stopReason})` : "";
  const word = SessionStatus[status]?.toLowerCase() ?? "over";
  return `session ${sessionId} ${word}${why}${killReason === undefined ? "" : `: ${killReason}`}`;
}
