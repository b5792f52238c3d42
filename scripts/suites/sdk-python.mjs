/** sdk/python: its tests against the real server, its types, its style; and the agents of examples/python. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, environment } from "../tasks/command.mjs";
import { venv } from "../tasks/python.mjs";

const folder = "sdk/python";

/** What must be clean: name, and the arguments of Python. */
const checks = [
  [
    "killcord's types are strict",
    ["-m", "mypy", "--config-file", `${folder}/pyproject.toml`, `${folder}/killcord`],
  ],
  ["ruff finds nothing, for Python 3.9 and newer", ["-m", "ruff", "check", "--no-cache", "--quiet", folder]],
  ["ruff would format nothing", ["-m", "ruff", "format", "--no-cache", "--quiet", "--check", folder]],
];

export async function sdkPython() {
  const { path, ...lack } = await venv(["sdk", "agents"]);
  if (path === undefined) {
    return [{ name: "sdk-python has what it needs", ...lack }];
  }
  const results = [];
  for (const [name, args] of checks) {
    const { ok, output, why } = await command(path, args, { timeout_seconds: 120 });
    results.push(ok ? { name, outcome: "passed" } : { name, outcome: "failed", text: `${output}${why}` });
  }
  return [...results, ...(await pytest(path))];
}

/** Its tests, as they are counted by JUnit's XML. */
async function pytest(python) {
  const out = mkdtempSync(join(tmpdir(), "killcord-pytest-"));
  const file = join(out, "junit.xml");
  try {
    const env = { ...environment(), PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
    const args = [
      "-m",
      "pytest",
      "-p",
      "no:cacheprovider",
      "-q",
      "-n",
      "3",
      `--junit-xml=${file}`,
      `${folder}/tests`,
    ];
    const { ok, why } = await command(python, args, { timeout_seconds: 300, show: true, env });
    return counted(file, ok, why);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function counted(file, ok, why) {
  let xml;
  try {
    xml = readFileSync(file, "utf8");
  } catch {
    return [{ name: "pytest runs to its end", outcome: "failed", text: `${why}; see its output above` }];
  }
  const cases = [...xml.matchAll(/<testcase\b([^>]*?)(\/>|>([\s\S]*?)<\/testcase>)/g)];
  const results = cases.map(([, attributes, , inside = ""]) => {
    const name = /\bname="([^"]*)"/.exec(attributes)[1];
    const outcome = /<(failure|error)\b/.test(inside) ? "failed" : "passed";
    return { name, outcome: /<skipped\b/.test(inside) ? "skipped" : outcome, text: "" };
  });
  const silent = !ok && results.every(({ outcome }) => outcome !== "failed");
  return silent ? [...results, { name: "pytest ends well", outcome: "failed", text: why }] : results;
}
