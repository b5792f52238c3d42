// Adds to package-lock.json the builds for other platforms that the registry at hand did not have
// when a package was installed: without them `npm ci` refuses the lock on every machine. What a
// build is for stands in its name. It has no integrity until an install from a registry that has
// it; npm fills it in then.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./tasks/root.mjs";

const file = join(root, "package-lock.json");
const lock = JSON.parse(readFileSync(file, "utf8"));
const known = lock.packages;

for (const owner of Object.values({ ...known })) {
  const builds = Object.entries(owner.optionalDependencies ?? {});
  for (const [name, version] of builds.filter(([name]) => known[`node_modules/${name}`] === undefined)) {
    known[`node_modules/${name}`] = build(name, version, owner);
    console.log(`added ${name} ${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(known).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);

function build(name, version, owner) {
  const os = /android|darwin|freebsd|linux|win32/.exec(name)?.[0];
  const cpu = { aarch64: "arm64", armv7: "arm" };
  const chip = /arm64|aarch64|armv7|ia32|x64/.exec(name)?.[0];
  if (os === undefined || chip === undefined) {
    throw new Error(`${name} does not say which platform it is for: add it to package-lock.json by hand`);
  }
  return {
    version,
    cpu: [cpu[chip] ?? chip],
    ...(owner.dev ? { dev: true } : {}),
    ...(name.endsWith("-musl") ? { libc: ["musl"] } : {}),
    license: owner.license,
    optional: true,
    os: [os],
    ...(owner.engines ? { engines: owner.engines } : {}),
  };
}
