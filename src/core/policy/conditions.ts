/**
 * Reads the members of a policy's conditions. What nobody asks for is refused in the end: a misspelt
 * member must not make a policy wider than its author meant.
 */
import type { Json, JsonObject, PolicyDocument } from "./document.js";
import { PolicyError, step } from "./error.js";

/** Members that any type may have: parse.ts reads them. */
const of_every_type: ReadonlySet<string> = new Set(["warning"]);

export class Conditions {
  readonly #members: JsonObject;
  readonly #path: string;
  readonly #asked = new Set<string>();

  /** @param path where the members stand in the document */
  constructor(members: JsonObject, path = "/conditions") {
    this.#members = members;
    this.#path = path;
  }

  static of(document: PolicyDocument): Conditions {
    return new Conditions(document.conditions);
  }

  /** Pointer to a member. */
  at(name: string): string {
    return this.#path + step(name);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#members, name);
  }

  /** A member of any form; null when it is left out. */
  value(name: string): Json | null {
    this.#asked.add(name);
    return this.has(name) ? (this.#members[name] as Json) : null;
  }

  text(name: string, characters_max: number): string {
    const value = this.value(name);
    if (typeof value !== "string" || value === "" || value.length > characters_max) {
      throw this.#wrong(name, value, `a text of 1 to ${characters_max} characters`);
    }
    return value;
  }

  number(name: string): number {
    const value = this.value(name);
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw this.#wrong(name, value, "a number");
    }
    return value;
  }

  integer(name: string, min: number, max: number): number {
    const value = this.value(name);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
      throw this.#wrong(name, value, `a whole number from ${min} to ${max}`);
    }
    return value;
  }

  boolean(name: string, otherwise: boolean): boolean {
    const value = this.value(name);
    if (value === null && !this.has(name)) {
      return otherwise;
    }
    if (typeof value !== "boolean") {
      throw this.#wrong(name, value, "true or false");
    }
    return value;
  }

  /** One of some words; `otherwise` when it is left out, if there is such a word. */
  choice<Word extends string>(name: string, words: readonly Word[], otherwise?: Word): Word {
    const value = this.value(name);
    if (otherwise !== undefined && !this.has(name)) {
      return otherwise;
    }
    const word = words.find((each) => each === value);
    if (word === undefined) {
      throw this.#wrong(name, value, `one of ${words.join(", ")}`);
    }
    return word;
  }

  /** 1 to `most` texts. */
  texts(name: string, most: number, characters_max: number): readonly string[] {
    const value = this.value(name);
    if (!Array.isArray(value) || value.length === 0 || value.length > most) {
      throw this.#wrong(name, value, `a list of 1 to ${most} texts`);
    }
    return value.map((each: Json, i) => {
      if (typeof each !== "string" || each === "" || each.length > characters_max) {
        throw new PolicyError(
          this.at(name) + step(i),
          `expected a text of 1 to ${characters_max} characters`,
        );
      }
      return each;
    });
  }

  /** Refuses what nobody has asked for. */
  end(): void {
    for (const name of Object.keys(this.#members)) {
      if (!this.#asked.has(name) && !(this.#path === "/conditions" && of_every_type.has(name))) {
        const known = [...this.#asked].join(", ");
        throw new PolicyError(
          this.at(name),
          known === "" ? "this type of policy has no conditions" : `is not known here: there is ${known}`,
        );
      }
    }
  }

  #wrong(name: string, value: Json, wanted: string): PolicyError {
    const found = this.has(name) ? `not ${kind(value)}` : "and is left out";
    return new PolicyError(this.at(name), `must be ${wanted}, ${found}`);
  }
}

function kind(value: Json): string {
  if (value === null) {
    return "null";
  }
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  return typeof value === "object" ? "an object" : JSON.stringify(value).slice(0, 64);
}
