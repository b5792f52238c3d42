import { isContained } from "./containment.js";
import { runsAsDocumented } from "./example.js";
import { runClient } from "./program.js";

describe("an agent on grpc-js", () => {
  isContained((place) => runClient(process.execPath, ["test/interop/node/agent.mjs"], place), {
    streams: true,
  });

  runsAsDocumented("node examples/node/agent.mjs");
});
