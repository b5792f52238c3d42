/** What of a value does not fit a JSON Schema: every fault at once, in words for who wrote the value. */
import { Ajv, type DefinedError, type ErrorObject, type ValidateFunction } from "ajv";
import { step } from "../core/policy/error.js";
import type { Schema } from "./condition-schemas.js";

/** One fault of a document. */
export interface Fault {
  /** JSON pointer (RFC 6901) to what is at fault; to what is missing, if something is. */
  readonly path: string;
  /** Half a sentence. */
  readonly message: string;
}

/** Finds what does not fit. */
export type FindFaults = (value: unknown) => readonly Fault[];

/** Compiles a schema, at the first use. */
export function faultsBy(schema: Schema): FindFaults {
  let validate: ValidateFunction | null = null;
  return (value) => {
    validate ??= compile(schema);
    return validate(value) ? [] : distinct((validate.errors ?? []).flatMap(faultOf));
  };
}

function compile(schema: Schema): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, verbose: true, strictTypes: false });
  ajv.addVocabulary(["patternErrorMessage"]);
  return ajv.compile(schema);
}

function faultOf(error: ErrorObject): readonly Fault[] {
  const { instancePath: path, parentSchema = {} } = error;
  const known = error as DefinedError;
  switch (known.keyword) {
    case "required":
      return [{ path: path + step(known.params.missingProperty), message: "is required" }];
    case "additionalProperties": {
      const names = Object.keys(parentSchema.properties ?? {});
      return [
        {
          path: path + step(known.params.additionalProperty),
          message:
            names.length === 0 ? "nothing is known here" : `is not known here: there is ${names.join(", ")}`,
        },
      ];
    }
    case "enum":
      return [{ path, message: `must be one of ${(known.params.allowedValues as string[]).join(", ")}` }];
    case "type":
      return [{ path, message: `must be ${typeWord(known.params.type)}` }];
    case "pattern":
      return [
        { path, message: String(parentSchema.patternErrorMessage ?? `must match ${known.params.pattern}`) },
      ];
    case "minLength":
    case "maxLength":
      return [{ path, message: `must be a text of ${span(parentSchema, "Length")} characters` }];
    case "minItems":
    case "maxItems":
      return [{ path, message: `must be a list of ${span(parentSchema, "Items")}` }];
    case "minProperties":
      return [{ path, message: "must have a member" }];
    case "uniqueItems":
      return [{ path, message: "has two items alike" }];
    case "minimum":
    case "maximum":
      return [{ path, message: `must be ${range(parentSchema)}` }];
    // Beside it stand the faults of the branch.
    case "if":
      return [];
    default:
      return [{ path, message: error.message ?? error.keyword }];
  }
}

function typeWord(type: unknown): string {
  const words: Readonly<Record<string, string>> = {
    string: "a text",
    integer: "a whole number",
    number: "a number",
    boolean: "true or false",
    array: "a list",
    object: "an object",
  };
  return [type]
    .flat()
    .map((each) => words[String(each)] ?? String(each))
    .join(" or ");
}

/** `1 to 256`, `at most 1024`. */
function span(schema: Schema, what: "Length" | "Items"): string {
  const min = schema[`min${what}`];
  const max = schema[`max${what}`];
  return max === undefined ? `at least ${min}` : min === undefined ? `at most ${max}` : `${min} to ${max}`;
}

function range({ type, minimum, maximum }: Schema): string {
  const kind = type === "integer" ? "a whole number" : "a number";
  return maximum === undefined || maximum === Number.MAX_SAFE_INTEGER
    ? `${kind} from ${minimum} up`
    : `${kind} from ${minimum} to ${maximum}`;
}

/** The branches of a choice may say the same of one place. */
function distinct(faults: readonly Fault[]): readonly Fault[] {
  const seen = new Set<string>();
  return faults.filter(({ path, message }) => {
    const key = `${path}\0${message}`;
    return !seen.has(key) && seen.add(key);
  });
}
