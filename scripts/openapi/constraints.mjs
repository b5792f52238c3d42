/** The constraints of buf.validate in the words of JSON Schema. What it has no word for is left to the comment. */
import { create, getOption, hasOption } from "@bufbuild/protobuf";
import { createValidator } from "@bufbuild/protovalidate";
import { field as field_rules, Ignore } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

const validator = createValidator();

/**
 * The fields without which a message is refused: those that a validator complains of in an empty one.
 *
 * @returns {ReadonlySet<string>} names as in proto
 */
export function requiredFields(message) {
  const { violations = [] } = validator.validate(message, create(message));
  return new Set(violations.flatMap(({ field }) => (field[0]?.kind === "field" ? [field[0].name] : [])));
}

/** Keywords for a field's value; for those of a list's items see `items` of the result. */
export function constraintsOf(field) {
  if (!hasOption(field, field_rules)) {
    return {};
  }
  const rules = getOption(field, field_rules);
  return rules.ignore === Ignore.ALWAYS ? {} : keywords(rules);
}

function keywords({ type }) {
  switch (type?.case) {
    case "string":
      return defined({
        minLength: size(type.value.minLen || type.value.len),
        maxLength: size(type.value.maxLen || type.value.len),
        pattern: type.value.pattern || undefined,
      });
    case "repeated":
      return defined({
        minItems: size(type.value.minItems),
        maxItems: size(type.value.maxItems),
        uniqueItems: type.value.unique || undefined,
        items: type.value.items === undefined ? undefined : keywords(type.value.items),
      });
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
    case "double":
    case "float":
      return defined({
        [type.value.greaterThan?.case === "gt" ? "exclusiveMinimum" : "minimum"]: known(
          type.value.greaterThan?.value,
        ),
        [type.value.lessThan?.case === "lt" ? "exclusiveMaximum" : "maximum"]: known(
          type.value.lessThan?.value,
        ),
      });
    default:
      return {};
  }
}

function known(value) {
  return value === undefined ? undefined : Number(value);
}

/** The rules are proto2: a size that nobody set reads as 0n. */
function size(value) {
  return Number(value) || undefined;
}

function defined(keywords) {
  return Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined));
}
