/** Format and lint: biome for the code, buf for protobuf. `npm run format` mends the formats. */
import { command } from "../tasks/command.mjs";

export async function lint() {
  return [
    await check("biome finds nothing", ["@biomejs/biome/bin/biome", "check", "--error-on-warnings", "."]),
    await check("buf lint finds nothing", ["@bufbuild/buf/bin/buf", "lint"]),
    await check("buf format changes nothing", [
      "@bufbuild/buf/bin/buf",
      "format",
      "--diff",
      "--exit-code",
      "proto",
    ]),
  ];
}

async function check(name, [program, ...args]) {
  const { ok, output, why } = await command("node", [`node_modules/${program}`, ...args], {
    timeout_seconds: 120,
  });
  return ok ? { name, outcome: "passed" } : { name, outcome: "failed", text: `${output}${why}` };
}
