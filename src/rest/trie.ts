/**
 * Which route a request is for. Matching is on the raw path, exactly as it was sent; only what a
 * variable covers is decoded, once, after the match (test/vectors/rest/match.json has every rule).
 *
 * Among the templates that fit, segment by segment from the left, a literal goes before `*` and `*`
 * before `**`; the first that has the method answers.
 */
import { decodePercent, escapesAreWellFormed } from "./percent.js";
import type { Template, TemplateVariable } from "./template.js";

/** What the router needs to know of a route. */
export interface Routed {
  /** An HTTP method, or `*` for all that no other route of the same template has. */
  readonly method: string;
  readonly template: Template;
}

/** What a request's method and target lead to. */
export type Match<R extends Routed> =
  /** `values` are the decoded variables, in the order of the template's. */
  | { readonly kind: "route"; readonly route: R; readonly values: readonly string[] }
  | { readonly kind: "invalid_path" }
  | { readonly kind: "route_not_found" }
  /** `allow` is sorted. */
  | { readonly kind: "method_not_allowed"; readonly allow: readonly string[] };

/** Finds the route of a request. */
export interface Router<R extends Routed> {
  match(method: string, target: string): Match<R>;
}

/** Two routes with one method and one shape: no request could tell them apart. */
export class DuplicateRouteError<R extends Routed> extends Error {
  /** The second of the two. */
  readonly route: R;

  constructor(route: R) {
    const { method, template } = route;
    const verb = template.verb === "" ? "" : `:${template.verb}`;
    super(`duplicate_route: ${method} /${template.segments.join("/")}${verb}`);
    this.name = "DuplicateRouteError";
    this.route = route;
  }
}

/** By verb, then by method: the routes that end at one place. */
type Ends<R> = Map<string, Map<string, R>>;

interface Node<R> {
  readonly literals: Map<string, Node<R>>;
  star: Node<R> | null;
  /** The path ends here. */
  readonly ends: Ends<R>;
  /** The rest of the path, even if empty, is a `**`. */
  readonly rests: Ends<R>;
}

const printable_path = /^\/[!-"$-~]*$/;
const dead_end = /^\/$|\/$|\/\/|:$/;

/**
 * Compiles routes.
 *
 * @param mounts prefixes under which every route is reachable, e.g. `""` and `/api`
 * @throws {DuplicateRouteError}
 */
export function createRouter<R extends Routed>(routes: readonly R[], mounts: readonly string[]): Router<R> {
  const root = createNode<R>();
  for (const route of routes) {
    insert(root, route);
  }
  const verbs = [...new Set(routes.map((route) => route.template.verb))]
    .filter((verb) => verb !== "")
    .sort((a, b) => b.length - a.length);
  const prefixes = mounts.filter((mount) => mount !== "").sort((a, b) => b.length - a.length);
  const bare = mounts.includes("");

  function match(method: string, target: string): Match<R> {
    const raw = cutQuery(target);
    if (!printable_path.test(raw) || !escapesAreWellFormed(raw)) {
      return { kind: "invalid_path" };
    }
    const prefix = prefixes.find((mount) => raw.startsWith(`${mount}/`)) ?? (bare ? "" : null);
    if (prefix === null || dead_end.test(raw)) {
      return { kind: "route_not_found" };
    }
    const segments = raw.slice(prefix.length + 1).split("/");
    return matchSegments(root, verbs, segments, method);
  }

  return { match };
}

/** The path of a request target. */
export function cutQuery(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? target : target.slice(0, mark);
}

function createNode<R>(): Node<R> {
  return { literals: new Map(), star: null, ends: new Map(), rests: new Map() };
}

function insert<R extends Routed>(root: Node<R>, route: R): void {
  const { segments, verb } = route.template;
  let node = root;
  let ends = null;
  for (const segment of segments) {
    if (segment === "**") {
      ends = node.rests;
    } else if (segment === "*") {
      node.star ??= createNode();
      node = node.star;
    } else {
      node = getOrAdd(node.literals, segment, () => createNode<R>());
    }
  }
  const methods = getOrAdd(ends ?? node.ends, verb, () => new Map<string, R>());
  if (methods.has(route.method)) {
    throw new DuplicateRouteError(route);
  }
  methods.set(route.method, route);
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** Reads the path with each verb it could end in, the longest first, then without a verb. */
function matchSegments<R extends Routed>(
  root: Node<R>,
  verbs: readonly string[],
  segments: readonly string[],
  method: string,
): Match<R> {
  const last = segments.at(-1) ?? "";
  const allow = new Set<string>();
  for (const verb of [...verbs, ""]) {
    let reading = segments;
    if (verb !== "") {
      if (!last.endsWith(`:${verb}`)) {
        continue;
      }
      const stem = last.slice(0, -verb.length - 1);
      if (stem === "") {
        return { kind: "route_not_found" };
      }
      reading = [...segments.slice(0, -1), stem];
    }
    for (const ends of candidates(root, reading, 0)) {
      const methods = ends.get(verb);
      const route = methods?.get(method) ?? methods?.get("*");
      if (route !== undefined) {
        return bind(route, reading);
      }
      for (const other of methods?.keys() ?? []) {
        allow.add(other);
      }
    }
  }
  return allow.size === 0
    ? { kind: "route_not_found" }
    : { kind: "method_not_allowed", allow: [...allow].sort() };
}

/** Every place where the segments can end, the most specific first. */
function* candidates<R>(node: Node<R>, segments: readonly string[], at: number): Generator<Ends<R>> {
  const segment = segments[at];
  if (segment === undefined) {
    yield node.ends;
  } else {
    const literal = node.literals.get(segment);
    if (literal !== undefined) {
      yield* candidates(literal, segments, at + 1);
    }
    if (node.star !== null) {
      yield* candidates(node.star, segments, at + 1);
    }
  }
  yield node.rests;
}

function bind<R extends Routed>(route: R, segments: readonly string[]): Match<R> {
  const values = [];
  for (const variable of route.template.variables) {
    const value = decodeVariable(variable, segments);
    if (value === null) {
      return { kind: "invalid_path" };
    }
    values.push(value);
  }
  return { kind: "route", route, values };
}

function decodeVariable(variable: TemplateVariable, segments: readonly string[]): string | null {
  const covered = segments.slice(variable.from, variable.to ?? segments.length).join("/");
  return decodePercent(covered, { plus_is_space: false, keep_slashes: variable.multi });
}
