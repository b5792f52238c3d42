/** What must not leave a developer's machine with a commit. */
import { type File, matches } from "./file.js";

/** A path of somebody's machine; a slash or a word before it makes it part of a longer path. */
const machine_path = /(?<![\w.$~/-])\/(home|root|work|Users)\/[\w.-]+/g;

const registry_host =
  /\b(registry\.(npmjs|yarnpkg)\.(org|com)|(files\.)?pythonhosted\.org|(test\.)?pypi\.org|proxy\.golang\.org|(static|index)\.crates\.io|repo1?\.maven\.(apache\.)?org|deb\.debian\.org)\b|^\s*(registry|index-url|extra-index-url)\s*=/gim;

const secrets: readonly (readonly [string, RegExp])[] = [
  ["a private key", /-----BEGIN [A-Z ]*PRIVATE KEY-----(\\n|\s)+[A-Za-z0-9+/=]{16}/g],
  ["an access key of a cloud", /\b(AKIA|ASIA)[A-Z0-9]{16}\b/g],
  ["a token of a code host", /\b(gh[pousr]_\w{36}|github_pat_\w{50,}|glpat-[\w-]{20})\b/g],
  ["a token of a registry", /\bnpm_[A-Za-z0-9]{36}\b|_authToken\s*=|\bpypi-[\w-]{50,}/g],
  ["a token of a messenger", /\bxox[abprs]-[\w-]{10,}/g],
  ["a key of Killcord", /\b(kc|xb)_[A-Za-z0-9_-]{32,}/g],
];

export function machinePaths(files: readonly File[]): string[] {
  return files.flatMap((file) => matches(file, machine_path, ([path]) => `${path} is a path of one machine`));
}

export function registryHosts(files: readonly File[]): string[] {
  return files.flatMap((file) =>
    matches(
      file,
      registry_host,
      ([host]) => `${host.trim()} names a registry: leave it to the reader's settings`,
    ),
  );
}

/** Keys and tokens; the public test keys of the vectors aside. */
export function secretsIn(files: readonly File[]): string[] {
  return files
    .filter(({ path }) => !path.startsWith("test/vectors/"))
    .flatMap((file) => secrets.flatMap(([what, pattern]) => matches(file, pattern, () => what)));
}
