import { isContained, refusal_with_details } from "./containment.js";
import { runsAsDocumented } from "./example.js";
import { runClient } from "./program.js";

describe("an agent on grpc-js", () => {
  isContained(
    (place) => runClient(process.execPath, ["test/interop/node/agent.mjs"], place),
    refusal_with_details,
  );

  runsAsDocumented("node examples/node/agent.mjs");
});
