/**
 * What `npm test` runs, in this order. A suite is a name and a function that resolves to its
 * results, each `{ name, outcome: "passed" | "failed" | "skipped" | "missing", text? }`. Missing
 * says that this machine lacks a tool: skipped at home, a failure in CI. `compiled` suites need
 * dist. Those that follow each other with the same word in `beside` run side by side: they mostly wait.
 */
import { conformance } from "./suites/conformance.mjs";
import { generated } from "./suites/generated.mjs";
import { grpcurl } from "./suites/grpcurl.mjs";
import { interop } from "./suites/interop.mjs";
import { lint } from "./suites/lint.mjs";
import { mochaFolder } from "./suites/mocha.mjs";
import { packed } from "./suites/package.mjs";
import { protoc } from "./suites/protoc.mjs";
import { sdkGo } from "./suites/sdk-go.mjs";
import { sdkPython } from "./suites/sdk-python.mjs";

export const suites = [
  { name: "lint", run: lint },
  { name: "generated", compiled: true, run: generated },
  { name: "protoc", run: protoc },
  { name: "package", compiled: true, run: packed },
  { name: "conformance", compiled: true, run: conformance },
  { name: "grpcurl", compiled: true, run: grpcurl },
  {
    name: "typescript",
    compiled: true,
    run: () =>
      mochaFolder("dist/test", {
        beside: 3,
        parts: 12,
        first: ["server/crash.test.js", "campaign/no-overshoot.test.js", "server/flood.test.js"],
        timeout_seconds: 900,
      }),
  },
  { name: "interop-curl", compiled: true, run: () => interop("curl") },
  { name: "interop-node", compiled: true, run: () => interop("node") },
  { name: "interop-python", compiled: true, run: () => interop("python") },
  { name: "interop-go", compiled: true, run: () => interop("go") },
  { name: "interop-browser", compiled: true, run: () => interop("browser") },
  { name: "interop-client", compiled: true, run: () => interop("client") },
  { name: "interop-verifier", compiled: true, run: () => interop("verifier") },
  { name: "interop-watchers", compiled: true, run: () => interop("watchers") },
  { name: "sdk-python", compiled: true, beside: "clients", run: sdkPython },
  { name: "sdk-go", compiled: true, beside: "clients", run: sdkGo },
  { name: "interop-log", compiled: true, beside: "clients", run: () => interop("log") },
];
