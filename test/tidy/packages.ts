/** What the project depends on: all of it used, all of it declared, and a lock that fits. */
import { isBuiltin } from "node:module";
import { below, code, type File, textOf } from "./file.js";
import { importsOf } from "./imports.js";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly workspaces?: readonly string[];
}

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly resolved?: string;
        readonly link?: boolean;
        readonly optionalDependencies?: Record<string, string>;
      }
    >
  >;
}

function manifest(files: readonly File[]): Manifest {
  return JSON.parse(textOf(files, "package.json") ?? "{}");
}

/** The package that a specifier means: `@a/b/c` is of `@a/b`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function packagesOf(files: readonly File[]): ReadonlySet<string> {
  return new Set(files.flatMap((file) => importsOf(file).map(({ specifier }) => packageOf(specifier))));
}

/** Before there is a program, its dependencies wait for it. */
export function unusedDependencies(files: readonly File[]): string[] {
  if (textOf(files, "src/main.ts") === undefined) {
    return [];
  }
  const used = packagesOf(code(files, "src/", "gen/"));
  return Object.keys(manifest(files).dependencies ?? {})
    .filter((name) => !used.has(name))
    .map((name) => `package.json: ${name} is a dependency that src/ and gen/ do not import`);
}

/** A tool is used where code imports it (the program its types at most), or where a script or a setting names it. */
export function unusedTools(files: readonly File[]): string[] {
  if (textOf(files, "src/main.ts") === undefined) {
    return [];
  }
  const used = packagesOf(code(files, "src/", "test/", "scripts/", "bench/", "examples/"));
  const settings = [
    ...below(files, "scripts/", "tsconfig.json", "buf.gen.yaml"),
    ...files.filter(({ path }) => path.endsWith("buf.gen.yaml")),
  ].map(({ text }) => text);
  return Object.keys(manifest(files).devDependencies ?? {})
    .filter((name) => {
      const plain = name.replace(/^@types\//, "");
      return !used.has(plain) && !settings.some((text) => text.includes(name) || text.includes(`"${plain}"`));
    })
    .map((name) => `package.json: ${name} is a tool that no test, script or setting uses`);
}

const client_manifest = "sdk/typescript/package.json";

/**
 * The published client: it declares what it imports and nothing else, in the versions that are tested
 * here. What the program has of it in its own package, the program declares.
 */
export function clientDependencies(files: readonly File[]): string[] {
  const theirs: Manifest = JSON.parse(textOf(files, client_manifest) ?? "{}");
  const { dependencies = {}, devDependencies = {} } = manifest(files);
  const sources = code(files, "sdk/typescript/src/").concat(below(files, "sdk/typescript/gen/"));
  const used = new Set([...packagesOf(sources)].filter((name) => !name.startsWith(".") && !isBuiltin(name)));
  const declared = Object.entries(theirs.dependencies ?? {});
  return [
    ...[...used]
      .filter((name) => theirs.dependencies?.[name] === undefined)
      .map((name) => `${client_manifest}: ${name} is imported and not declared`),
    ...declared
      .filter(([name]) => !used.has(name))
      .map(([name]) => `${client_manifest}: ${name} is declared and not imported`),
    ...declared
      .filter(([name, version]) => version !== { ...devDependencies, ...dependencies }[name])
      .map(([name, version]) => `${client_manifest}: ${name} ${version} is not the version of package.json`),
  ];
}

/** What is imported must be declared: a package that another one brings may go with it. */
export function undeclaredImports(files: readonly File[]): string[] {
  const { dependencies = {}, devDependencies = {}, workspaces = [] } = manifest(files);
  // What is developed here is linked to where it stands; what users install must do without it.
  const linked = workspaces.map((path) => JSON.parse(textOf(files, `${path}/package.json`) ?? "{}").name);
  return code(files, "src/", "gen/", "test/", "scripts/", "bench/").flatMap((file) =>
    importsOf(file)
      .filter(({ specifier, path }) => path === null && !isBuiltin(specifier))
      .filter(({ specifier }) => file.path.startsWith("src/") || !linked.includes(packageOf(specifier)))
      .filter(({ specifier, types_only }) => {
        const name = packageOf(specifier);
        const runs_at_users = /^(src|gen)\//.test(file.path) && !types_only;
        return dependencies[name] === undefined && (runs_at_users || devDependencies[name] === undefined);
      })
      .map(({ line, specifier }) => `${file.path}:${line}: ${packageOf(specifier)} is not declared for it`),
  );
}

function lock(files: readonly File[]): Lock {
  return JSON.parse(textOf(files, "package-lock.json") ?? '{"packages":{}}');
}

/** Addresses in the lock file are those of one machine's registry. */
export function addressesInLock(files: readonly File[]): string[] {
  return (
    Object.entries(lock(files).packages)
      // A folder of this repository is linked to where it stands.
      .filter(([, { resolved, link }]) => resolved !== undefined && link !== true)
      .map(([path, { resolved }]) => `package-lock.json: ${path} is resolved to ${resolved}`)
  );
}

/** `npm ci` refuses a lock that does not know a package's builds for every platform. */
export function gapsInLock(files: readonly File[]): string[] {
  const { packages } = lock(files);
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => packages[`node_modules/${name}`] === undefined)
      .filter((name) => packages[`${path}/node_modules/${name}`] === undefined)
      .map((name) => `package-lock.json: ${name} of ${path} is missing: run node scripts/complete-lock.mjs`),
  );
}

/** Versions are exact: a build is the same today and in a year. */
export function looseVersions(files: readonly File[]): string[] {
  const { dependencies = {}, devDependencies = {} } = manifest(files);
  return Object.entries({ ...dependencies, ...devDependencies })
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json: ${name} ${version} is not one exact version`);
}
