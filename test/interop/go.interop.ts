import { isContained } from "./containment.js";
import { documented, shell } from "./documented.js";
import { runsAsDocumented } from "./example.js";
import { runClient } from "./program.js";

// `npm test -- interop-go` gets the plugins, with which this runs.
describe("an agent in Go", () => {
  before(async function () {
    // The first build compiles gRPC.
    this.timeout(300_000);
    await shell(documented("npx buf generate"));
    await shell(
      "mkdir -p .build/interop && go build -C test/interop/go -o ../../../.build/interop/go-agent .",
    );
  });

  isContained((place) => runClient(".build/interop/go-agent", [], place), { streams: true });

  runsAsDocumented("go run ./agent");
});
