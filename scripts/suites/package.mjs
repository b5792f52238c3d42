/** The packages as others install them: the packed files and the declared dependencies are all they need. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { command } from "../tasks/command.mjs";
import { root } from "../tasks/root.mjs";

export async function packed() {
  return [...(await unpacked(root, program)), ...(await unpacked(join(root, "sdk/typescript"), client))];
}

/** Unpacks a package where nothing else can be imported, and looks at it there. */
async function unpacked(source, look) {
  const folder = mkdtempSync(join(tmpdir(), "killcord-package-"));
  try {
    const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
    const { ok, output, why } = await install(source, manifest, folder);
    return ok
      ? await look(folder, manifest)
      : [{ name: `npm packs ${manifest.name}`, outcome: "failed", text: `${output}${why}` }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unpacks it beside links to what it declares. */
async function install(source, { name, dependencies }, folder) {
  const npm = process.env.npm_execpath ? ["node", [process.env.npm_execpath]] : ["npm", []];
  const words = ["pack", source, "--ignore-scripts", "--pack-destination", folder];
  const pack = await command(npm[0], [...npm[1], ...words], { timeout_seconds: 60 });
  if (!pack.ok) {
    return pack;
  }
  const modules = join(folder, "node_modules");
  for (const each of Object.keys(dependencies)) {
    mkdirSync(dirname(join(modules, each)), { recursive: true });
    symlinkSync(join(root, "node_modules", each), join(modules, each));
  }
  const file = readdirSync(folder).find((each) => each.endsWith(".tgz"));
  mkdirSync(join(modules, name), { recursive: true });
  return command("tar", ["-xzf", join(folder, file), "--strip-components=1", "-C", join(modules, name)], {
    timeout_seconds: 60,
  });
}

async function program(folder, { name, bin }) {
  const main = join(folder, "node_modules", name, bin.killcord);
  return [
    await answers("the packed killcord answers --help", [main, "--help"], /^Usage: killcord/m),
    await answers("the packed killcord answers --version", [main, "--version"], /^\d+\.\d+\.\d+/),
  ];
}

/** A program that uses the client as its declarations say, strictly. */
const consumer = `
import { createClient, type Session, SessionTerminated } from "@killcord/client";
const client = createClient({ url: "http://127.0.0.1:1", apiKey: "k" });
async function run(session: Session): Promise<number> {
  const add = session.tool("add", (signal: AbortSignal, a: number, b: number) => (signal.aborted ? 0 : a + b));
  const sum: number = await add(1, 2);
  // @ts-expect-error: its arguments are those of the function
  await add("1", 2);
  // @ts-expect-error: a limit has one spelling
  await client.startSession({ budgets: { max_actions: 1 } });
  const allowed = await session.intercept("look");
  return allowed.offline ? sum : allowed.actions;
}
console.log(typeof run, SessionTerminated.name);
await client.close();
`;

const lib = ["es2024", "esnext.disposable", "dom"];

async function client(folder) {
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "consumer.ts"), consumer);
  const compilerOptions = { strict: true, module: "nodenext", target: "es2023", types: [], lib };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const compiled = await command("node", [compiler, "-p", folder], { timeout_seconds: 60 });
  const name = "a strict program compiles with the packed client's declarations";
  return [
    compiled.ok ? { name, outcome: "passed" } : failed(name, `${compiled.output}${compiled.why}`),
    await answers("that program runs", [join(folder, "consumer.js")], /^function SessionTerminated$/m),
    await bundled(folder),
  ];
}

/** What a bundler makes of it for a page imports nothing of Node: it would not find it. */
async function bundled(folder) {
  const name = "a bundler finds what the packed client has for browsers";
  try {
    await build({
      absWorkingDir: folder,
      stdin: { contents: 'export { createClient } from "@killcord/client";', resolveDir: folder },
      bundle: true,
      platform: "browser",
      format: "esm",
      outfile: join(folder, "page.js"),
      logLevel: "silent",
    });
    const text = readFileSync(join(folder, "page.js"), "utf8");
    return text.includes("connect-web/dist")
      ? { name, outcome: "passed" }
      : failed(name, "connect-web is not in it");
  } catch (error) {
    return failed(name, error.message);
  }
}

function failed(name, text) {
  return { name, outcome: "failed", text };
}

async function answers(name, words, expected) {
  const { ok, output, why } = await command("node", words, { timeout_seconds: 60 });
  return ok && expected.test(output) ? { name, outcome: "passed" } : failed(name, `${output}${why}`);
}
