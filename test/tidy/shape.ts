/** The shape of a file: how long, how long its functions, what it exports and how. */
import { code, type File } from "./file.js";
import { findings, type Node, statements } from "./syntax.js";

const lines_max = 300;
const function_lines_max = 70;

export function longFiles(files: readonly File[]): string[] {
  return code(files, "src/", "sdk/typescript/src/", "scripts/")
    .map(({ path, text }) => ({ path, lines: text.replace(/\n$/, "").split("\n").length }))
    .filter(({ lines }) => lines > lines_max)
    .map(({ path, lines }) => `${path}:1: ${lines} lines, at most ${lines_max} are allowed`);
}

const functions = new Set([
  "FunctionDeclaration",
  "FunctionExpression",
  "ArrowFunctionExpression",
  "ObjectMethod",
  "ClassMethod",
  "ClassPrivateMethod",
]);

export function longFunctions(files: readonly File[]): string[] {
  return code(files, "src/", "sdk/typescript/src/", "scripts/").flatMap((file) =>
    findings(file, ({ node }) => {
      const lines = node.loc.end.line - node.loc.start.line + 1;
      return functions.has(node.type) && lines > function_lines_max
        ? `a function of ${lines} lines, at most ${function_lines_max} are allowed`
        : undefined;
    }),
  );
}

/** Files that only pass on what others export. */
export function barrels(files: readonly File[]): string[] {
  return code(files, "src/", "sdk/typescript/src/")
    .filter((file) => {
      const body = statements(file);
      return (
        body.some(isReexport) && body.every((each) => each.type === "ImportDeclaration" || isReexport(each))
      );
    })
    .map(({ path }) => `${path}:1: only passes on what other files export`);
}

function isReexport(node: Node): boolean {
  return (
    node.type === "ExportAllDeclaration" ||
    (node.type === "ExportNamedDeclaration" && node.declaration === null)
  );
}

export function defaultExports(files: readonly File[]): string[] {
  return code(files, "src/", "sdk/typescript/src/", "test/", "scripts/", "bench/").flatMap((file) =>
    findings(file, ({ node }) => {
      const renamed = node.type === "ExportSpecifier" && (node.exported as Node).name === "default";
      return renamed || node.type === "ExportDefaultDeclaration" ? "a default export has no name" : undefined;
    }),
  );
}

export function exportsOfEverything(files: readonly File[]): string[] {
  return code(files, "src/", "sdk/typescript/src/", "test/", "scripts/", "bench/").flatMap((file) =>
    findings(file, ({ node }) =>
      node.type === "ExportAllDeclaration" ? "export * hides what is exported" : undefined,
    ),
  );
}

export function anyTypes(files: readonly File[]): string[] {
  return code(files, "src/", "sdk/typescript/src/", "test/", "bench/").flatMap((file) =>
    findings(file, ({ node }) =>
      node.type === "TSAnyKeyword" ? "any switches the compiler off" : undefined,
    ),
  );
}
