/** Scalars as JSON Schemas: as the REST surface reads them, and as it writes them. */
import { ScalarType } from "@bufbuild/protobuf";

const whole = "^-?(0|[1-9][0-9]*)$";

/**
 * Whole numbers are read as numbers or as decimal text; 64-bit ones are written as numbers up to
 * 2^53-1 and as text beyond. `pattern` binds the text, `minimum` and its like the number.
 */
export function scalarSchema(scalar, is_input) {
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "number", format: "double" };
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return is_input
        ? { type: ["integer", "string"], format: "int32", pattern: whole }
        : { type: "integer", format: "int32" };
    default:
      return { type: ["integer", "string"], format: "int64", pattern: whole };
  }
}
