/** What a value must look like: small checks that are put together to tables. */
import { limits } from "../../limits.js";
import { isBase64 } from "../base64.js";
import { isOrigin } from "../entry.js";
import { isTime } from "../time.js";
import { quoted } from "./code.js";

/** Null when a value fits, else what was expected of it. */
export type Shape = (value: unknown) => string | null;

export type Members = Readonly<Record<string, Shape>>;

/** An object as JSON has it. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function matching(test: (text: string) => boolean, expected: string): Shape {
  return (value) => (typeof value === "string" && test(value) ? null : expected);
}

export const text: Shape = matching(() => true, "a text");
/** Ids are opaque: all that is asked of them is that they are not empty. */
export const id: Shape = matching((value) => value !== "", "a text that is not empty");
export const time: Shape = matching(isTime, "a moment as YYYY-MM-DDThh:mm:ss.sssZ");
export const digest: Shape = matching((value) => /^[0-9a-f]{64}$/.test(value), "64 hex digits");
export const salt: Shape = matching((value) => /^[0-9a-f]{32}$/.test(value), "32 hex digits");
export const entry_id: Shape = matching((value) => /^ve_[0-9a-f]{24}$/.test(value), "ve_ and 24 hex digits");
export const key_id: Shape = matching((value) => /^vsk_[0-9a-f]{16}$/.test(value), "vsk_ and 16 hex digits");
export const origin: Shape = matching(isOrigin, "the name of a log");
export const base64: Shape = matching(
  (value) => value !== "" && value.length <= limits.base64_characters && isBase64(value),
  "strict base64",
);

/** A whole number from 0 up. */
export const count: Shape = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? null : "a whole number from 0 up";

export const integer: Shape = (value) => (Number.isSafeInteger(value) ? null : "a whole number");

export const object: Shape = (value) => (isObject(value) ? null : "an object");

export function oneOf(...words: readonly (string | number)[]): Shape {
  return (value) => (words.includes(value as string) ? null : words.map((word) => `"${word}"`).join(" or "));
}

export function nullable(shape: Shape): Shape {
  return (value) => (value === null ? null : shape(value));
}

export function list(shape: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) {
      return "a list";
    }
    for (const item of value) {
      const expected = shape(item);
      if (expected !== null) {
        return `a list of which each is ${expected}`;
      }
    }
    return null;
  };
}

/** An object with these members and any others. */
export function open(members: Members, optional: Members = {}): Shape {
  const checks = checksOf(members, optional);
  return (value) => (isObject(value) ? misfit(value, checks) : "an object");
}

/** An object with these members and no others. */
export function exact(members: Members, optional: Members = {}): Shape {
  const checks = checksOf(members, optional);
  const known = new Set(checks.map(({ key }) => key));
  return (value) => {
    if (!isObject(value)) {
      return "an object";
    }
    for (const key of Object.keys(value)) {
      if (!known.has(key)) {
        return `without the member ${quoted(key)}`;
      }
    }
    return misfit(value, checks);
  };
}

interface MemberCheck {
  readonly key: string;
  readonly shape: Shape;
  /** What is said of an object without the member; null when it may be left out. */
  readonly absent: "there" | null;
}

function checksOf(members: Members, optional: Members): readonly MemberCheck[] {
  return [
    ...Object.entries(members).map(([key, shape]) => ({ key, shape, absent: "there" as const })),
    ...Object.entries(optional).map(([key, shape]) => ({ key, shape, absent: null })),
  ];
}

function misfit(value: JsonObject, checks: readonly MemberCheck[]): string | null {
  for (const { key, shape, absent } of checks) {
    const expected = Object.hasOwn(value, key) ? shape(value[key]) : absent;
    if (expected !== null) {
      return `with ${key} that is ${expected}`;
    }
  }
  return null;
}
