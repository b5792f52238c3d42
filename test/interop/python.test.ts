import { isContained, refusal_with_details } from "./containment.js";
import { runClient } from "./program.js";

// `npm test -- interop-python` makes the environment and the stubs; they stay until the next run.
describe("an agent in Python", () => {
  isContained(
    (place) =>
      runClient(".venv/bin/python", ["test/interop/python/agent.py", ".build/interop/python"], place),
    refusal_with_details,
  );
});
