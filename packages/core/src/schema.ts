import type { StandardSchemaV1 } from "@standard-schema/spec";

/** Any schema of a library that speaks Standard Schema 1 (https://standardschema.dev): Zod, Valibot, ArkType, … */
export type Schema<Input = unknown, Output = unknown> = StandardSchemaV1<Input, Output>;

/** What a schema takes. */
export type SchemaInput<S extends Schema> = StandardSchemaV1.InferInput<S>;

/** What a schema gives for what it takes. */
export type SchemaOutput<S extends Schema> = StandardSchemaV1.InferOutput<S>;

/** A value did not fit its schema. `issues` are the schema's own, all of them: whoever sends them caps them. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
  readonly issues: readonly StandardSchemaV1.Issue[];

  constructor(issues: readonly StandardSchemaV1.Issue[]) {
    super(describe(issues));
    this.issues = issues;
  }
}

/**
 * Checks a value and gives what the schema makes of it.
 *
 * Gives a promise only where the schema does, so that a synchronous schema costs no turn of the event loop.
 * What does not fit is a {@link SchemaError}: thrown by a synchronous schema, rejected with by an asynchronous one.
 */
export function validate<S extends Schema>(schema: S, value: unknown): SchemaOutput<S> | Promise<SchemaOutput<S>>;
export function validate(schema: Schema, value: unknown): unknown {
  const result = schema["~standard"].validate(value);
  return isPromise(result) ? result.then(unwrap) : unwrap(result);
}

/** Whether a value is a Standard Schema of version 1. Some libraries' schemas are functions. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") return false;
  const standard: unknown = "~standard" in value ? value["~standard"] : undefined;
  if (typeof standard !== "object" || standard === null) return false;
  return "version" in standard && standard.version === 1 && "validate" in standard && isFunction(standard.validate);
}

function unwrap<Output>(result: StandardSchemaV1.Result<Output>): Output {
  if (result.issues !== undefined) throw new SchemaError(result.issues);
  return result.value;
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  // What has come may have a `then` of its own.
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

function describe(issues: readonly StandardSchemaV1.Issue[]): string {
  const [first] = issues;
  if (first === undefined) return "The value does not fit its schema";
  const path = (first.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return `${path === "" ? "" : `${path}: `}${first.message}${more}`;
}
