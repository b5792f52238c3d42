/** Who imports whom: ranks, cycles, dead files, and what must run without Node. */
import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { code, type File, textOf } from "./file.js";
import { isNode, literal, type Node, nodes, tree } from "./syntax.js";

/** One import, also of types only: whoever names a type knows its file. */
export interface Import {
  readonly line: number;
  /** As it is written. */
  readonly specifier: string;
  /** The file that it means, from the root; null for a package or a module of Node. */
  readonly path: string | null;
  /** Whether it names types only, so that nothing of it is left when the program runs. */
  readonly types_only: boolean;
}

/** Ranks of architecture.md: a folder may use itself and what has a lower rank. */
const ranks: Readonly<Record<string, number>> = {
  cli: 5,
  rpc: 4,
  rest: 4,
  web: 4,
  sdk: 4,
  services: 3,
  webhooks: 3,
  engine: 2,
  policies: 2,
  witness: 2,
  supervisor: 2,
  core: 1,
  vault: 1,
  gen: 0,
  limits: 0,
};

const cache = new WeakMap<File, readonly Import[]>();

export function importsOf(file: File): readonly Import[] {
  let found = cache.get(file);
  if (found === undefined) {
    found = [...nodes(tree(file))].flatMap(({ node }) => {
      const specifier = specifierOf(node);
      return specifier === undefined
        ? []
        : [
            {
              line: node.loc.start.line,
              specifier,
              path: target(file.path, specifier),
              types_only:
                node.importKind === "type" || node.exportKind === "type" || node.type === "TSImportType",
            },
          ];
    });
    cache.set(file, found);
  }
  return found;
}

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
    case "ImportExpression":
      return literal(node.source);
    case "TSImportType":
      return literal(node.argument);
    case "CallExpression": {
      const { callee } = node;
      const loads =
        isNode(callee) &&
        (callee.type === "Import" || (callee.type === "Identifier" && callee.name === "require"));
      return loads ? literal((node.arguments as readonly unknown[])[0]) : undefined;
    }
    case "NewExpression":
      return workerOf(node);
    default:
      return undefined;
  }
}

/** `new URL("./worker.js", import.meta.url)`: how a worker or a page names its file. */
function workerOf(node: Node): string | undefined {
  const [path, base] = node.arguments as readonly unknown[];
  const is_url =
    isNode(node.callee) && node.callee.name === "URL" && isNode(base) && base.type === "MemberExpression";
  const text = literal(path);
  return is_url && text?.endsWith(".js") ? text : undefined;
}

function target(from: string, specifier: string): string | null {
  return specifier.startsWith(".")
    ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts")
    : null;
}

/** The part of the house that a file belongs to; null outside it. */
function partOf(path: string): string | null {
  if (path === "src/main.ts") {
    // The program's entry stands beside the commands that it offers.
    return "cli";
  }
  if (path === "src/limits.ts") {
    return "limits";
  }
  if (path.startsWith("sdk/typescript/")) {
    // Of the program only its commands use it: they are clients like any other.
    return "sdk";
  }
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? (path.startsWith("gen/") ? "gen" : null);
}

export function breachesOfRanks(files: readonly File[]): string[] {
  return code(files, "src/", "sdk/typescript/").flatMap((file) => {
    const part = partOf(file.path);
    const rank = part === null ? undefined : ranks[part];
    if (rank === undefined) {
      return [`${file.path}:1: this place has no rank in docs/architecture.md`];
    }
    return importsOf(file).flatMap(({ line, specifier, path }) => {
      const other = path === null ? part : partOf(path);
      if (other === part) {
        return [];
      }
      if (part === "sdk") {
        return [`${file.path}:${line}: the client is published by itself and may not import ${specifier}`];
      }
      const theirs = other === null ? undefined : ranks[other];
      return theirs !== undefined && theirs < rank
        ? []
        : [
            `${file.path}:${line}: ${part} (rank ${rank}) may not import ${specifier} (${theirs ?? "no rank"})`,
          ];
    });
  });
}

export function importCycles(files: readonly File[]): string[] {
  const sources = new Map(code(files, "src/", "sdk/typescript/").map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: File, way: readonly string[]): void => {
    if (way.includes(file.path)) {
      found.push([...way.slice(way.indexOf(file.path)), file.path].join(" -> "));
    } else if (!done.has(file.path)) {
      for (const { path } of importsOf(file)) {
        const next = path === null ? undefined : sources.get(path);
        if (next !== undefined) {
          visit(next, [...way, file.path]);
        }
      }
      done.add(file.path);
    }
  };
  for (const file of sources.values()) {
    visit(file, []);
  }
  return found;
}

/** The files that `entry` needs, itself included. */
function reachedFrom(files: readonly File[], entry: string): readonly File[] {
  const sources = new Map(code(files, "src/", "gen/").map((file) => [file.path, file]));
  const reached = new Set<File>();
  const visit = (path: string): void => {
    const file = sources.get(path);
    if (file !== undefined && !reached.has(file)) {
      reached.add(file);
      for (const each of importsOf(file)) {
        if (each.path !== null) {
          visit(each.path);
        }
      }
    }
  };
  visit(entry);
  return [...reached];
}

/** Sources that the program does not need. Before there is a program nothing can be said. */
export function deadFiles(files: readonly File[]): string[] {
  if (textOf(files, "src/main.ts") === undefined) {
    return [];
  }
  const alive = new Set(reachedFrom(files, "src/main.ts").map(({ path }) => path));
  return code(files, "src/")
    .filter(({ path }) => !alive.has(path))
    .map(({ path }) => `${path}:1: nothing that src/main.ts imports leads here`);
}

/** Modules of Node in the verifier or in what it imports: it must also run in workers and browsers. */
export function modulesOfNode(files: readonly File[]): string[] {
  const verifier = code(files, "src/vault/verify.ts", "src/vault/verify/");
  const needed = new Set(verifier.flatMap(({ path }) => reachedFrom(files, path)));
  return [...needed].flatMap((file) =>
    importsOf(file)
      .filter(({ specifier }) => isBuiltin(specifier))
      .map(({ line, specifier }) => `${file.path}:${line}: ${specifier}, and the verifier leads here`),
  );
}
