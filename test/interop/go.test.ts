import { isContained, refusal_with_details } from "./containment.js";
import { runClient } from "./program.js";

// `npm test -- interop-go` builds it; it stays until the next run.
describe("an agent in Go", () => {
  isContained((place) => runClient(".build/interop/go/agent", [], place), refusal_with_details);
});
