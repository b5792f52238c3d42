/** The syntax tree of a file, seen without the names of its hundred kinds of nodes. */
import { parse } from "@babel/parser";
import type { File } from "./file.js";

export interface Node {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number }; readonly end: { readonly line: number } };
  readonly [member: string]: unknown;
}

const trees = new WeakMap<File, Node>();

/** The tree of a file: parsed once, however many rules look at it. */
export function tree(file: File): Node {
  let node = trees.get(file);
  if (node === undefined) {
    const plugins = file.path.endsWith(".ts")
      ? (["typescript", "explicitResourceManagement"] as const)
      : (["explicitResourceManagement"] as const);
    node = parse(file.text, {
      sourceType: file.path.endsWith(".cjs") ? "script" : "module",
      plugins: [...plugins],
      sourceFilename: file.path,
    }).program as unknown as Node;
    trees.set(file, node);
  }
  return node;
}

/** The statements of a file. */
export function statements(file: File): readonly Node[] {
  return tree(file).body as readonly Node[];
}

/** Every node below and with `node`, each with its parent and the member of it that it is. */
export function* nodes(node: Node, parent?: Node, member = ""): Generator<Place> {
  yield { node, parent, member };
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) {
        yield* nodes(child, node, name);
      }
    }
  }
}

export interface Place {
  readonly node: Node;
  readonly parent: Node | undefined;
  readonly member: string;
}

/** The nodes of a file for which `judge` has something to say, as findings. */
export function findings(file: File, judge: (place: Place) => string | undefined): string[] {
  const found: string[] = [];
  for (const place of nodes(tree(file))) {
    const why = judge(place);
    if (why !== undefined) {
      found.push(`${file.path}:${place.node.loc.start.line}: ${why}`);
    }
  }
  return found;
}

export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The text of a string literal; undefined for anything else. */
export function literal(value: unknown): string | undefined {
  if (!isNode(value)) {
    return undefined;
  }
  const node = value.type === "TSLiteralType" && isNode(value.literal) ? value.literal : value;
  return node.type === "StringLiteral" ? (node.value as string) : undefined;
}

/** The name that an identifier or a string key spells; undefined for anything else. */
export function nameOf(value: unknown): string | undefined {
  return isNode(value) && value.type === "Identifier" ? (value.name as string) : literal(value);
}
