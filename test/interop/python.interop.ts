import { isContained } from "./containment.js";
import { documented, shell } from "./documented.js";
import { runsAsDocumented } from "./example.js";
import { runClient } from "./program.js";

// `npm test -- interop-python` makes .venv, in which this runs.
describe("an agent in Python", () => {
  before(async function () {
    this.timeout(60_000);
    await shell(documented("grpc_tools.protoc"));
  });

  isContained(
    (place) => runClient(".venv/bin/python", ["test/interop/python/agent.py", "examples/python/gen"], place),
    { streams: true },
  );

  runsAsDocumented("examples/python/agent.py");
});
