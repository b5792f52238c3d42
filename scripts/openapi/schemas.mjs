/**
 * Messages as JSON Schemas, in the two forms that the REST surface gives them: as it reads them
 * (src/rest/body.ts, leaf.ts) and as it writes them (src/rest/write.ts, compat.ts).
 */
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { optional_fields, reshape } from "../../dist/src/rest/compat.js";
import { enumShortName, isMoney, messageKind } from "../../dist/src/rest/shape.js";
import { constraintsOf, requiredFields } from "./constraints.mjs";
import { scalarSchema } from "./scalars.mjs";

/** Makes the schemas of one document; those that are referred to gather in `components`. */
export class Schemas {
  /** By name. */
  components = {};
  #comments;

  constructor(comments) {
    this.#comments = comments;
  }

  /** A message as it is written, by reference. */
  output(message) {
    return this.#refer(message.name, () => this.written(message));
  }

  /** A message as it is read, by reference. */
  input(message) {
    const name = message.name.endsWith("Request") ? message.name : `${message.name}Input`;
    return this.#refer(name, () => this.read(message, new Set()));
  }

  /**
   * A message as it is written: scalars without presence, lists and maps are always there.
   *
   * @param first properties that come before its own, all of them required
   */
  written(message, first = {}) {
    const own = shapes.get(message.typeName)?.(this, message) ?? this.#plain(message);
    return own.oneOf === undefined ? withFirst(own, first) : own;
  }

  /** A message as it is read, without the fields that the path sets. */
  read(message, in_path) {
    const required = requiredFields(message);
    const fields = message.fields.filter(({ name }) => !in_path.has(name));
    const properties = fields.map((field) => {
      const schema = this.#described(field, this.field(field, true));
      return [field.name, required.has(field.name) ? schema : nullable(schema)];
    });
    const needed = fields.map(({ name }) => name).filter((name) => required.has(name));
    return this.#object(message, Object.fromEntries(properties), needed);
  }

  /** A field's value. */
  field(field, is_input) {
    const { items: item_rules = {}, ...rules } = is_input ? constraintsOf(field) : {};
    switch (field.fieldKind) {
      case "list":
        return { type: "array", items: { ...this.#value(field, is_input), ...item_rules }, ...rules };
      case "map":
        return { type: "object", additionalProperties: this.#value(field, is_input) };
      default:
        return { ...this.#value(field, is_input), ...rules };
    }
  }

  comment(name) {
    return this.#comments.get(name) ?? "";
  }

  #plain(message) {
    const properties = message.fields.map((field) => [
      field.name,
      this.#described(field, this.field(field, false)),
    ]);
    // What is reshaped in a way that is not told here promises no field.
    const optional = optional_fields.get(message.typeName);
    const is_told = optional !== undefined || !reshape.has(message.typeName);
    const required = is_told
      ? message.fields.filter((field) => isAlwaysWritten(field) && !optional?.includes(field.name))
      : [];
    return this.#object(
      message,
      Object.fromEntries(properties),
      required.map(({ name }) => name),
    );
  }

  #object(message, properties, required) {
    const description = this.comment(message.typeName);
    return {
      ...(description === "" ? {} : { description }),
      type: "object",
      properties,
      ...(required.length === 0 ? {} : { required }),
    };
  }

  #described(field, schema) {
    const description = this.comment(`${field.parent.typeName}.${field.name}`);
    return description === "" ? schema : { description, ...schema };
  }

  #value(field, is_input) {
    if (field.enum !== undefined) {
      return this.#enumeration(field.enum);
    }
    if (field.message === undefined) {
      return is_input && isMoney(field)
        ? { type: ["number", "string"] }
        : scalarSchema(field.scalar, is_input);
    }
    return this.#message(field.message, is_input);
  }

  #message(message, is_input) {
    switch (messageKind(message)) {
      case "free":
        return free_schemas[message.typeName] ?? {};
      case "leaf":
        return isWrapperDesc(message)
          ? scalarSchema(message.fields[0].scalar, is_input)
          : leaf_schemas[message.typeName];
      default:
        return is_input ? this.input(message) : this.output(message);
    }
  }

  /** Zero says that there is no value, and is neither written nor wanted. */
  #enumeration(type) {
    return this.#refer(type.name, () => {
      const values = type.values.filter(({ number }) => number !== 0);
      const told = values.map(({ name, number }) => {
        const comment = this.comment(`${type.typeName}.${name}`);
        return `\`${enumShortName(type, number)}\`${comment === "" ? "" : `: ${comment}`}`;
      });
      return {
        description: [this.comment(type.typeName), ...told].filter((text) => text !== "").join("\n\n"),
        type: "string",
        enum: values.map(({ number }) => enumShortName(type, number)),
      };
    });
  }

  #refer(name, make) {
    if (this.components[name] === undefined) {
      // Before it is made: a message may hold itself.
      this.components[name] = {};
      this.components[name] = make();
    }
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** Messages that compat.ts gives another form, as it gives it. */
const shapes = new Map([
  [
    "killcord.v1.InterceptResult",
    (schemas, { field }) => ({
      oneOf: [
        schemas.written(field.verdict.message, { ok: { const: true } }),
        withFirst(
          { type: "object", properties: { error: schemas.output(field.error.message) }, required: ["error"] },
          { ok: { const: false } },
        ),
      ],
    }),
  ],
  [
    "killcord.v1.InterceptError",
    (schemas, message) => {
      const properties = message.fields.map((field) => [field.name, schemas.field(field, false)]);
      return {
        type: "object",
        properties: Object.fromEntries(properties),
        required: message.fields.map(({ name }) => name).filter((name) => name !== "details"),
      };
    },
  ],
]);

const free_schemas = {
  "google.protobuf.Struct": { type: "object" },
  "google.protobuf.ListValue": { type: "array" },
};

const leaf_schemas = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
  "google.protobuf.Duration": { type: "string", pattern: "^-?[0-9]+(\\.[0-9]{1,9})?s$" },
  "google.protobuf.FieldMask": { type: "string" },
};

function isAlwaysWritten(field) {
  switch (field.fieldKind) {
    case "list":
    case "map":
      return true;
    case "scalar":
      return field.presence === FeatureSet_FieldPresence.IMPLICIT;
    default:
      return false;
  }
}

function withFirst(schema, first) {
  return {
    ...schema,
    properties: { ...first, ...schema.properties },
    required: [...Object.keys(first), ...(schema.required ?? [])],
  };
}

/** null stands for "not given". */
function nullable(schema) {
  if (typeof schema.type === "string" || Array.isArray(schema.type)) {
    return { ...schema, type: [schema.type, "null"].flat() };
  }
  const { description, ...rest } = schema;
  const any = Object.keys(rest).length === 0 ? {} : { anyOf: [rest, { type: "null" }] };
  return { ...(description === undefined ? {} : { description }), ...any };
}
