/** Which sessions a command is about: those that left memory come back before it is decided. */
import type { Unstamped } from "../core/command.js";

export function sessionsNamed(command: Unstamped): readonly string[] {
  switch (command.type) {
    case "start_session":
      return command.parent_session_id === null ? [] : [command.parent_session_id];
    case "intercept":
      return command.session_id === null ? [] : [command.session_id];
    case "touch_session":
    case "kill_session":
    case "pause_session":
    case "resume_session":
    case "update_budgets":
    case "end_session":
    case "acknowledge_halt":
    case "expire_session":
    case "unconfirm_halt":
    case "sum_up_terminates":
      return [command.session_id];
    case "order_halt":
      return command.scope.kind === "session" ? [command.scope.id] : [];
    default:
      return [];
  }
}
