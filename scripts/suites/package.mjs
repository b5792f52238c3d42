/** The package as others install it: the packed files and the declared dependencies are all it needs. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { command } from "../tasks/command.mjs";
import { root } from "../tasks/root.mjs";

export async function packed() {
  const folder = mkdtempSync(join(tmpdir(), "killcord-package-"));
  try {
    const modules = join(folder, "node_modules");
    const { ok, output, why } = await install(folder, modules);
    if (!ok) {
      return [{ name: "npm packs it", outcome: "failed", text: `${output}${why}` }];
    }
    const main = join(modules, "killcord", manifest().bin.killcord);
    return [
      await answers(main, "--help", /^Usage: killcord/m),
      await answers(main, "--version", /^\d+\.\d+\.\d+/),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unpacks the package beside links to what it declares: nothing else can be imported from there. */
async function install(folder, modules) {
  const npm = process.env.npm_execpath ? ["node", [process.env.npm_execpath]] : ["npm", []];
  const pack = await command(npm[0], [...npm[1], "pack", "--ignore-scripts", "--pack-destination", folder], {
    timeout_seconds: 60,
  });
  if (!pack.ok) {
    return pack;
  }
  for (const name of Object.keys(manifest().dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  const file = readdirSync(folder).find((each) => each.endsWith(".tgz"));
  mkdirSync(join(modules, "killcord"));
  return command(
    "tar",
    ["-xzf", join(folder, file), "--strip-components=1", "-C", join(modules, "killcord")],
    {
      timeout_seconds: 60,
    },
  );
}

async function answers(main, flag, expected) {
  const name = `the packed killcord answers ${flag}`;
  const { ok, output, why } = await command("node", [main, flag], { timeout_seconds: 60 });
  return ok && expected.test(output)
    ? { name, outcome: "passed" }
    : { name, outcome: "failed", text: `${output}${why}` };
}

function manifest() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}
