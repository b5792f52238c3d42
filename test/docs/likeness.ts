/** Whether a real reply is as the document shows it: the same members in the same order, the same words. */
import { isId, kindOf, type Names } from "./names.js";

/** Members, by name or with the one that holds them, whose value is another one every time; only its type is compared. */
const volatile: ReadonlySet<string> = new Set([
  "latency_ms",
  "average_latency_ms",
  "latency_us",
  "elapsed_seconds",
  "next_page_token",
  "secret",
  "budget_left.ttl_seconds",
  "budget_left.idle_seconds",
]);

type Plain = null | boolean | number | string | readonly Plain[] | { readonly [name: string]: Plain };

/** The reply as the document should show it, and where the document differs. */
export interface Compared {
  readonly shown: Plain;
  readonly differences: readonly string[];
}

/** Compares a documented value with a real one; `at` is its path, "" for the whole reply. */
export function compare(documented: Plain | undefined, real: Plain, names: Names, at = ""): Compared {
  if (Array.isArray(real) || (typeof real === "object" && real !== null)) {
    return compareMembers(documented, real as { readonly [name: string]: Plain }, names, at);
  }
  const [holder, name = holder] = at.split(".").slice(-2);
  const is_volatile = volatile.has(name as string) || volatile.has(`${holder}.${name}`);
  if (typeof real !== "string" || typeof documented !== "string") {
    const alike = documented === real || (is_volatile && typeof documented === typeof real);
    const shown = typeof real === "string" ? names.toDocumented(real) : real;
    return alike ? same(documented as Plain) : other(documented, shown, at);
  }
  if (names.toReal(documented) === real && names.toDocumented(real) === documented) {
    return same(documented);
  }
  if (is_volatile || isNewId(documented, real, names)) {
    names.learn(documented, real);
    return same(documented);
  }
  return embedded(documented, real, names, at) ?? compareTexts(documented, real, names, at);
}

function compareMembers(
  documented: Plain | undefined,
  real: { readonly [name: string]: Plain },
  names: Names,
  at: string,
): Compared {
  const is_list = Array.isArray(real);
  const fits = typeof documented === "object" && documented !== null && Array.isArray(documented) === is_list;
  const before = (fits ? documented : is_list ? [] : {}) as { readonly [name: string]: Plain };
  const members = Object.entries(real).map(([name, value]) => {
    const path = at === "" ? name : `${at}.${name}`;
    return [name, compare(before[name], value, names, path)] as const;
  });
  const shown = members.map(([name, compared]) => [name, compared.shown] as const);
  const differences = members.flatMap(([, compared]) => compared.differences);
  const order = Object.keys(before).join(", ") === Object.keys(real).join(", ");
  return {
    shown: is_list ? shown.map(([, value]) => value) : Object.fromEntries(shown),
    differences: order
      ? differences
      : [`${at || "the reply"} has the members ${Object.keys(real).join(", ")}`, ...differences],
  };
}

/** An id that the document has not used for another one yet. */
function isNewId(documented: string, real: string, names: Names): boolean {
  return (
    isId(documented) &&
    kindOf(documented) === kindOf(real) &&
    names.toReal(documented) === documented &&
    names.toDocumented(real) === real
  );
}

/** JSON inside a text, as sealed entries have it, is compared as what it says. */
function embedded(documented: string, real: string, names: Names, at: string): Compared | null {
  if (!documented.startsWith("{") || !real.startsWith("{")) {
    return null;
  }
  const { shown, differences } = compare(JSON.parse(documented), JSON.parse(real), names, at);
  return { shown: differences.length === 0 ? documented : JSON.stringify(shown), differences };
}

/** Other texts may differ in what is new in every run, unless the document has a word for it. */
function compareTexts(documented: string, real: string, names: Names, at: string): Compared {
  const told = names.toDocumented(real);
  const alike = told === documented || (told === real && kindOf(documented) === kindOf(real) && !isId(real));
  return alike ? same(documented) : other(documented, told, at);
}

function same(shown: Plain): Compared {
  return { shown, differences: [] };
}

function other(documented: Plain | undefined, real: Plain, at: string): Compared {
  const was = documented === undefined ? "nothing" : JSON.stringify(documented);
  return { shown: real, differences: [`${at} is ${JSON.stringify(real)}, the document shows ${was}`] };
}

const width = 100;

/** JSON for people: on one line what fits there. */
export function pretty(value: Plain, indent = ""): string {
  const line = oneLine(value);
  if (indent.length + line.length <= width || typeof value !== "object" || value === null) {
    return line;
  }
  const deeper = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => deeper + pretty(item, deeper)).join(",\n")}\n${indent}]`;
  }
  const members = Object.entries(value).map(([name, item]) => `${deeper}"${name}": ${pretty(item, deeper)}`);
  return `{\n${members.join(",\n")}\n${indent}}`;
}

function oneLine(value: Plain): string {
  if (Array.isArray(value)) {
    return `[${value.map(oneLine).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, item]) => `"${name}": ${oneLine(item as Plain)}`);
    return members.length === 0 ? "{}" : `{${members.join(", ")}}`;
  }
  return JSON.stringify(value);
}
