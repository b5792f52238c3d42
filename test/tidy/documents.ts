/** What documents promise: every code explained, every link leading somewhere, every change noted. */
import { posix } from "node:path";
import { below, code, type File, matches, textOf } from "./file.js";
import { findings, isNode, literal, type Node, nameOf, nodes, tree } from "./syntax.js";

/** The error codes of src/services/errors.ts, each with the name of its Connect code. */
export function errorCodes(files: readonly File[]): ReadonlyMap<string, string> {
  const file = below(files, "src/services/errors.ts")[0];
  const found = new Map<string, string>();
  for (const { node } of file === undefined ? [] : nodes(tree(file))) {
    if (node.type === "VariableDeclarator" && nameOf(node.id) === "error_codes") {
      for (const { node: member } of nodes(node)) {
        const key = member.type === "ObjectProperty" ? nameOf(member.key) : undefined;
        const value = member.value;
        if (key !== undefined && isNode(value) && value.type === "MemberExpression") {
          found.set(key, snake(nameOf(value.property) ?? ""));
        }
      }
    }
  }
  return found;
}

function snake(name: string): string {
  return name.replace(/(?<!^)([A-Z])/g, "_$1").toLowerCase();
}

/** A row of a table of docs/errors.md whose first cell is a code: the cells after it. */
function documentedCodes(files: readonly File[]): ReadonlyMap<string, readonly string[]> {
  const rows = (textOf(files, "docs/errors.md") ?? "").matchAll(/^\| *`([^`]+)` *\|(.*)\|$/gm);
  return new Map(
    [...rows].map(([, name = "", rest = ""]) => [
      name,
      rest.split("|").map((cell) => cell.trim().replaceAll("`", "")),
    ]),
  );
}

/** Codes of refusals without a row in docs/errors.md, and rows with another Connect code or HTTP status. */
export function undocumentedErrors(files: readonly File[]): string[] {
  const rows = documentedCodes(files);
  const status = statusTable(files);
  return [...errorCodes(files)].flatMap(([name, connect]) => {
    const row = rows.get(name);
    if (row === undefined) {
      return [`docs/errors.md: ${name} has no row`];
    }
    const http = status.get(name) ?? status.get(`connect ${connect}`) ?? row[1];
    return [
      ...(row[0] === connect ? [] : [`docs/errors.md: ${name} travels as ${connect}, not as ${row[0]}`]),
      ...(row[1] === http ? [] : [`docs/errors.md: ${name} has HTTP status ${http}, not ${row[1]}`]),
    ];
  });
}

/** The HTTP status of each reason, and of each Connect code where a reason has none of its own. */
function statusTable(files: readonly File[]): ReadonlyMap<string, string> {
  const text = textOf(files, "test/vectors/rest/status.json") ?? '{"codes":[],"reasons":[]}';
  const { codes, reasons }: StatusVectors = JSON.parse(text);
  return new Map([
    ...codes.map(({ connect, http }) => [`connect ${connect}`, String(http)] as const),
    ...reasons.map(({ code: reason, http }) => [reason, String(http)] as const),
  ]);
}

interface StatusVectors {
  readonly codes: readonly { readonly connect: string; readonly http: number }[];
  readonly reasons: readonly { readonly code: string; readonly http: number }[];
}

/** Rows of docs/errors.md for codes that nothing raises any more. */
export function forgottenErrors(files: readonly File[]): string[] {
  const codes = errorCodes(files);
  return [...documentedCodes(files).keys()]
    .filter((name) => /^[a-z_]+$/.test(name) && codes.size > 0 && !codes.has(name))
    .map((name) => `docs/errors.md: ${name} is not in src/services/errors.ts`);
}

/** Where each family of dotted codes is raised and where it is explained. */
const families = [
  { raised: ["src/"], pattern: /^start\.[a-z_]+$/, document: "docs/errors.md" },
  {
    raised: ["src/vault/", "src/cli/verify.ts"],
    pattern:
      /^(behaviour|bundle|chain|checkpoint|content|entry|erasure|input|keys|leaf|log|note|proof|receipt|slice|trust)\.(?!json$|new$)[a-z_]+$/,
    document: "docs/vault-format.md",
  },
] as const;

/** Codes of a start or a verification that their document does not name. */
export function undocumentedVerdicts(files: readonly File[]): string[] {
  return families.flatMap(({ raised, pattern, document }) => {
    const text = textOf(files, document) ?? "";
    return code(files, ...raised).flatMap((file) =>
      findings(file, ({ node }) => {
        const name = node.type === "StringLiteral" ? literal(node) : undefined;
        return name !== undefined && pattern.test(name) && !text.includes(name)
          ? `${name} is not in ${document}`
          : undefined;
      }),
    );
  });
}

/** The types of event that the files of src/core/ that tell events declare. */
export function eventTypes(files: readonly File[]): readonly string[] {
  const all = below(files, "src/core/").filter(({ path }) => /\/event(-\w+)?\.ts$/.test(path));
  const found = all
    .flatMap((file) => [...nodes(tree(file))])
    .flatMap(({ node }) =>
      node.type === "TSPropertySignature" && nameOf(node.key) === "event"
        ? literalsOf((node.typeAnnotation as Node).typeAnnotation)
        : [],
    );
  return [...new Set(found)];
}

function literalsOf(type: unknown): readonly string[] {
  const one = literal(type);
  if (one !== undefined) {
    return [one];
  }
  return isNode(type) && type.type === "TSUnionType"
    ? (type.types as readonly unknown[]).flatMap(literalsOf)
    : [];
}

/** Types of event without a golden file: a log written today must replay for ever. */
export function eventsWithoutGolden(files: readonly File[]): string[] {
  return eventTypes(files)
    .filter((event) => textOf(files, `test/core/golden/${event}.json`) === undefined)
    .map((event) => `test/core/golden/${event}.json: missing, so nothing shows that ${event} still replays`);
}

/** Decisions that do not have the number of their file as title, or share it with another. */
export function misnumberedDecisions(files: readonly File[]): string[] {
  const seen = new Map<string, string>();
  return below(files, "docs/adr/").flatMap(({ path, text }) => {
    const number = posix.basename(path).slice(0, 4);
    const before = seen.get(number);
    seen.set(number, path);
    return [
      ...(before === undefined ? [] : [`${path}: has the number of ${before}`]),
      ...(text.startsWith(`# ${Number(number)}. `)
        ? []
        : [`${path}: its title does not begin with ${number}`]),
    ];
  });
}

/** Links in documents that lead to no file or no heading of this repository. */
export function brokenLinks(files: readonly File[]): string[] {
  const places = new Set(files.flatMap(({ path }) => [path, ...foldersOf(path)]));
  return files
    .filter(({ path }) => path.endsWith(".md"))
    .map(({ path, text }) => ({ path, text: withoutCode(text) }))
    .flatMap((file) =>
      matches(file, /\[[^\]]*\]\((?![a-z]+:)([^)\s]+)\)/g, ([, link = ""]) => {
        const [path = "", heading] = decodeURI(link).split("#");
        const to = path === "" ? file.path : posix.join(posix.dirname(file.path), path).replace(/\/$/, "");
        const known = places.has(to) && (heading === undefined || headings(textOf(files, to)).has(heading));
        return known ? undefined : `${link} leads nowhere`;
      }),
    );
}

function foldersOf(path: string): readonly string[] {
  return path
    .split("/")
    .slice(0, -1)
    .map((_, i, all) => all.slice(0, i + 1).join("/"));
}

/** The text with its code blanked out, line by line, so that lines keep their numbers. */
function withoutCode(text: string): string {
  return text
    .replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ""))
    .replace(/`[^`\n]*`/g, (span) => " ".repeat(span.length));
}

/** Anchors of a document's headings, as code hosts make them. */
function headings(text: string | undefined): ReadonlySet<string> {
  const lines = (text ?? "").replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...lines].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

/** A changelog whose first section is what is not released yet. */
export function changelogWithoutUnreleased(files: readonly File[]): string[] {
  const first = /^## (.*)$/m.exec(textOf(files, "CHANGELOG.md") ?? "")?.[1];
  return first === "[Unreleased]" ? [] : ["CHANGELOG.md:1: its first section is not [Unreleased]"];
}
