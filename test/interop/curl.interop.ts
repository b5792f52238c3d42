import { isContained } from "./containment.js";
import { runClient } from "./program.js";

describe("an agent of curl", () => {
  isContained((place) => runClient("sh", ["test/interop/curl/agent.sh"], place), {
    refusal: { http_status: 403, code: "insufficient_permissions" },
  });
});
