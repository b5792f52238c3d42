/**
 * Programs written in Go that tests need. Each is built once, by `go install`, into an ignored
 * folder of its version, and found there later. The Go toolchain checks what it downloads against
 * the public checksum database.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { command, environment } from "./command.mjs";
import { root } from "./root.mjs";

/** By the name of the program: its package and the version of its module. */
export const go_tools = {
  connectconformance: ["connectrpc.com/conformance/cmd/connectconformance", "v1.0.7"],
  fsck: ["github.com/transparency-dev/tessera/cmd/fsck", "v1.0.4"],
  grpcurl: ["github.com/fullstorydev/grpcurl/cmd/grpcurl", "v1.9.4"],
  "protoc-gen-go": ["google.golang.org/protobuf/cmd/protoc-gen-go", "v1.36.12"],
  "protoc-gen-go-grpc": ["google.golang.org/grpc/cmd/protoc-gen-go-grpc", "v1.6.2"],
  staticcheck: ["honnef.co/go/tools/cmd/staticcheck", "v0.8.2"],
};

/** How to get what a suite in Go lacks. */
export const no_go = "no Go was found. Install it (https://go.dev/doc/install) and put `go` on the PATH.";

/** Whether there is a Go toolchain. */
export async function hasGo() {
  return (await command("go", ["version"], { timeout_seconds: 30 })).ok;
}

/**
 * Finds a program of `go_tools`, and builds it where it is not there yet.
 *
 * @param {keyof typeof go_tools} name
 * @returns {Promise<{ path: string } | { path: undefined, outcome: "missing", text: string }>}
 *   path: absolute; else the outcome and text of a result that needed the program
 */
export async function goTool(name) {
  const [pkg, version] = go_tools[name];
  const folder = join(root, ".build/go", `${name}@${version}`);
  const path = join(folder, name);
  if (existsSync(path)) {
    return { path };
  }
  if (!(await hasGo())) {
    return { path: undefined, outcome: "missing", text: no_go };
  }
  const { ok, output, why } = await install(`${pkg}@${version}`, folder);
  return ok
    ? { path }
    : { path: undefined, outcome: "missing", text: `go install ${pkg}@${version}\n${output}${why}` };
}

/** Builds aside and moves it into place: a cut build leaves nothing that looks whole. */
async function install(target, folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const aside = mkdtempSync(`${folder}-`);
  try {
    const built = await command("go", ["install", target], {
      timeout_seconds: 600,
      env: { ...environment(), GOBIN: aside },
    });
    if (built.ok && !existsSync(folder)) {
      renameSync(aside, folder);
    }
    return built;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
