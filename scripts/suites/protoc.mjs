/** The API compiles with plain protoc too, for people without buf. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../tasks/command.mjs";
import { protos } from "../tasks/protos.mjs";
import { venv } from "../tasks/python.mjs";

const name = "plain protoc compiles proto/ with third_party/";

export async function protoc() {
  const { found, ...lack } = await find();
  if (found === undefined) {
    return [{ name, ...lack }];
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

/** Program and the arguments that make it protoc: what is there already, or that of the tests' Python. */
async function find() {
  for (const program of [...(process.env.PROTOC ? [process.env.PROTOC] : []), "protoc"]) {
    if ((await command(program, ["--version"], { timeout_seconds: 30 })).ok) {
      return { found: [program] };
    }
  }
  const { path, ...lack } = await venv();
  return path === undefined ? lack : { found: [path, "-m", "grpc_tools.protoc"] };
}
