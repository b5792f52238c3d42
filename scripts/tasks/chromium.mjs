/** A Chromium for tests in a page: one that is there already, else one that an npm package carries. */
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { command } from "./command.mjs";
import { root } from "./root.mjs";

const carrier = {
  spec: "@sparticuz/chromium@147.0.2",
  file: "sparticuz-chromium-147.0.2.tgz",
  integrity:
    "sha512-oqXyPAlGQuT9wdZAhcx4nmhehVgEsDc2adL/+FlX8qsLh/YyOgl9GQp8dPMDIBRmktxgA9c1QSNJIQUj2UeHhQ==",
};

const how =
  "no Chromium was found. Put one on the PATH (Debian: apt-get install chromium), or name one in CHROMIUM.";

/** Where browsers of this family are, in order. */
const candidates = [
  ...(process.env.CHROMIUM ? [process.env.CHROMIUM] : []),
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/**
 * @returns {Promise<{ path: string } | { path: undefined, outcome: "missing", text: string }>}
 *   path: of a program that runs here; else the outcome and text of a result that needed it
 */
export async function chromium() {
  for (const name of candidates) {
    const path = name.includes("/") ? name : onPath(name);
    if (path !== undefined && (await runs(path)).ok) {
      return { path };
    }
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    return { path: undefined, outcome: "missing", text: how };
  }
  const path = join(root, ".build/chromium", carrier.file.replace(/\.tgz$/, ""), "chromium");
  const { ok, output, why } = existsSync(path) ? await runs(path) : await install(path);
  return ok ? { path } : { path: undefined, outcome: "missing", text: `${how}\n${output}${why}` };
}

function onPath(name) {
  const folders = (process.env.PATH ?? "").split(":");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function runs(path) {
  return command(path, ["--version"], { timeout_seconds: 30 });
}

/** Unpacks the carrier's program, and keeps it only when it runs here. */
async function install(path) {
  mkdirSync(join(root, ".build/chromium"), { recursive: true });
  const aside = mkdtempSync(join(root, ".build/chromium/new-"));
  try {
    const [npm, first] = process.env.npm_execpath ? ["node", [process.env.npm_execpath]] : ["npm", []];
    const args = [...first, "pack", carrier.spec, "--pack-destination", aside];
    const pack = await command(npm, args, { timeout_seconds: 300 });
    if (!pack.ok) {
      return pack;
    }
    const found = integrityOf(join(aside, carrier.file));
    if (found !== carrier.integrity) {
      return { ok: false, output: "", why: `${carrier.spec} is ${found}, expected ${carrier.integrity}` };
    }
    const unpack = ["-xzf", join(aside, carrier.file), "-C", aside, "package/bin/chromium.br"];
    const unpacked = await command("tar", unpack, { timeout_seconds: 60 });
    if (!unpacked.ok) {
      return unpacked;
    }
    await inflate(join(aside, "package/bin/chromium.br"), join(aside, "chromium"));
    const first_run = await runs(join(aside, "chromium"));
    if (first_run.ok) {
      mkdirSync(dirname(path), { recursive: true });
      renameSync(join(aside, "chromium"), path);
    }
    return first_run;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** In the form of npm's lock. */
function integrityOf(file) {
  return `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
}

function inflate(from, to) {
  return pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to, { mode: 0o755 }));
}
