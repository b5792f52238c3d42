/**
 * YAML as JSON with places: every value knows its line and column, and what JSON has no word for is
 * refused (anchors and aliases, tags, keys that are no text, two keys alike).
 */
import { type Document, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseAllDocuments } from "yaml";
import { step } from "../core/policy/error.js";
import { limits } from "../limits.js";
import { depthOf } from "./yaml-depth.js";

/** Where something stands in a text, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is wrong at a place of a text. */
export interface TextFault extends Place {
  readonly message: string;
}

/** One document of a text. */
export interface YamlDocument {
  /** As JSON has it. */
  readonly value: unknown;
  /** Where it begins. */
  readonly start: Place;
  /** Where a JSON pointer leads, or as far towards it as there is something. */
  place(pointer: string): Place;
}

/** What a text holds. */
export interface YamlText {
  /** Those without a fault. */
  readonly documents: readonly YamlDocument[];
  readonly faults: readonly TextFault[];
}

/** Offsets of everything in one document, by JSON pointer: of a member that of its name. */
type Offsets = Map<string, number>;

/** Reads the documents of a text, and finds everything that is wrong with its form. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults: TextFault[] = [];
  const documents: YamlDocument[] = [];
  for (const parsed of parse(text, lines, faults)) {
    const problems = [...parsed.errors, ...parsed.warnings];
    faults.push(...problems.map(({ pos, message }) => ({ ...at(pos[0]), message })));
    if (problems.length === 0 && parsed.contents !== null && !isNothing(parsed.contents)) {
      const before = faults.length;
      const document = documentOf(parsed.contents, at, faults);
      documents.push(...(faults.length === before ? [document] : []));
    }
  }
  return { documents, faults: faults.slice(0, limits.issues_listed) };
}

function parse(text: string, lines: LineCounter, faults: TextFault[]): readonly Document.Parsed[] {
  if (depthOf(text) > limits.policy_file_depth) {
    faults.push({ line: 1, column: 1, message: "too many containers within each other" });
    return [];
  }
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Two keys alike are found below: the parser would compare each with each.
    uniqueKeys: false,
    resolveKnownTags: false,
    schema: "core",
    version: "1.2",
    logLevel: "silent",
  });
  return "empty" in parsed ? [] : parsed;
}

/** A file of comments alone, or what is after a last `---`. */
function isNothing(node: ParsedNode): boolean {
  return isScalar(node) && node.value === null && node.source === "";
}

function documentOf(contents: ParsedNode, at: (offset: number) => Place, faults: TextFault[]): YamlDocument {
  const offsets: Offsets = new Map();
  const refuse = (node: ParsedNode, message: string) => {
    faults.push({ ...at(node.range[0]), message });
  };
  const value = plain(contents, "", offsets, refuse);
  const start = at(contents.range[0]);
  const place = (pointer: string): Place => {
    for (let path = pointer; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
      const offset = offsets.get(path);
      if (offset !== undefined) {
        return at(offset);
      }
    }
    return start;
  };
  return { value, start, place };
}

type Refuse = (node: ParsedNode, message: string) => void;

/** A node as JSON. The depth of the text is bounded, so that of this is. */
function plain(node: ParsedNode, path: string, offsets: Offsets, refuse: Refuse): unknown {
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) {
    refuse(node, "aliases are not taken: write the value out");
    return null;
  }
  if (node.anchor !== undefined) {
    refuse(node, "anchors are not taken: write the value out where it is needed");
  }
  if (node.tag !== undefined && !plain_tags.has(node.tag)) {
    refuse(node, `the tag ${node.tag} is not taken`);
  }
  if (isScalar(node)) {
    return scalar(node as ParsedNode & { value: unknown }, refuse);
  }
  if (isSeq(node)) {
    return node.items.map((item, i) => {
      const child = path + step(i);
      offsets.set(child, (item as ParsedNode).range[0]);
      return plain(item as ParsedNode, child, offsets, refuse);
    });
  }
  const members = new Map<string, unknown>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) && typeof key.value === "string" ? key.value : null;
    if (name === null || name === "__proto__") {
      refuse(key as ParsedNode, "expected a name, as text");
    } else if (members.has(name)) {
      refuse(key as ParsedNode, `${JSON.stringify(name)} stands here twice`);
    } else {
      const child = path + step(name);
      offsets.set(child, (key as ParsedNode).range[0]);
      members.set(name, value === null ? null : plain(value as ParsedNode, child, offsets, refuse));
    }
  }
  return Object.fromEntries(members);
}

/** Tags that say what is there anyway. */
const plain_tags: ReadonlySet<string> = new Set([
  "!",
  "tag:yaml.org,2002:str",
  "tag:yaml.org,2002:int",
  "tag:yaml.org,2002:float",
  "tag:yaml.org,2002:bool",
  "tag:yaml.org,2002:null",
  "tag:yaml.org,2002:map",
  "tag:yaml.org,2002:seq",
]);

function scalar(node: ParsedNode & { readonly value: unknown }, refuse: Refuse): unknown {
  const { value } = node;
  if (typeof value === "number" && !Number.isFinite(value)) {
    refuse(node, "expected a number with an end");
    return 0;
  }
  return value;
}
