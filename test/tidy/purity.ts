/** What src/core may not know: time, chance, disks, sockets, promises, the process. */
import { isBuiltin } from "node:module";
import { code, type File } from "./file.js";
import { importsOf } from "./imports.js";
import { findings, nameOf, type Place } from "./syntax.js";

const outside = new Set([
  "Promise",
  "Date",
  "process",
  "console",
  "performance",
  "crypto",
  "fetch",
  "globalThis",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
  "queueMicrotask",
]);

export function impureCore(files: readonly File[]): string[] {
  return code(files, "src/core/").flatMap((file) => [
    ...findings(file, impurity),
    ...importsOf(file)
      .filter(({ specifier }) => isBuiltin(specifier))
      .map(({ line, specifier }) => `${file.path}:${line}: the core knows nothing of ${specifier}`),
  ]);
}

function impurity({ node, parent, member }: Place): string | undefined {
  if (node.async === true) {
    return "the core is not async";
  }
  if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await === true)) {
    return "the core awaits nothing";
  }
  if (
    node.type === "MemberExpression" &&
    nameOf(node.object) === "Math" &&
    nameOf(node.property) === "random"
  ) {
    return "the core leaves nothing to chance";
  }
  const name = node.type === "Identifier" ? nameOf(node) : undefined;
  return name !== undefined && outside.has(name) && !isMember(parent?.type, member, parent?.computed === true)
    ? `the core knows nothing of ${name}`
    : undefined;
}

/** Whether an identifier only names a member, as in `budget.process` or `{ Date: 1 }`. */
function isMember(parent: string | undefined, member: string, computed: boolean): boolean {
  return (
    !computed &&
    ((member === "property" && (parent === "MemberExpression" || parent === "OptionalMemberExpression")) ||
      (member === "key" && parent !== undefined) ||
      (member === "right" && parent === "TSQualifiedName"))
  );
}
