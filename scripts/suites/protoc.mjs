/** The API compiles with plain protoc too, for people without buf. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../tasks/command.mjs";
import { root } from "../tasks/root.mjs";

const name = "plain protoc compiles proto/ with third_party/";
const how =
  "no protoc was found. Put one on the PATH, name one in PROTOC, or install the one that CI uses:\n" +
  "python3 -m venv .venv && .venv/bin/pip install -r scripts/protoc.requirements.txt";

/** Places to look, in order: program and the arguments that make it protoc. */
const candidates = [
  ...(process.env.PROTOC ? [[process.env.PROTOC]] : []),
  ["protoc"],
  ...(existsSync(join(root, ".venv/bin/python"))
    ? [[join(root, ".venv/bin/python"), "-m", "grpc_tools.protoc"]]
    : []),
  ["python3", "-m", "grpc_tools.protoc"],
];

export async function protoc() {
  const found = await find();
  if (found === undefined) {
    return [{ name, outcome: "missing", text: how }];
  }
  const [program, ...first] = found;
  const folder = mkdtempSync(join(tmpdir(), "killcord-protoc-"));
  try {
    const { ok, output, why } = await command(
      program,
      [
        ...first,
        "--proto_path=proto",
        "--proto_path=third_party",
        "--include_imports",
        `--descriptor_set_out=${join(folder, "killcord.binpb")}`,
        ...protos(),
      ],
      { timeout_seconds: 60 },
    );
    return [ok ? { name, outcome: "passed" } : { name, outcome: "failed", text: `${output}${why}` }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function find() {
  for (const candidate of candidates) {
    const [program, ...first] = candidate;
    if ((await command(program, [...first, "--version"], { timeout_seconds: 30 })).ok) {
      return candidate;
    }
  }
  return undefined;
}

function protos() {
  return readdirSync(join(root, "proto"), { recursive: true })
    .filter((path) => path.endsWith(".proto"))
    .sort();
}
