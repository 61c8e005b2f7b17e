import type { Stream } from "./incoming-stream.ts";
import { type Schema, SchemaError, type SchemaInput, type SchemaOutput, validate } from "./schema.ts";

const vendor = "tautline";

/** Schemas by name, of any library. */
export type FieldSchemas = Readonly<Record<string, Schema>>;

type FieldInputs<Fields extends FieldSchemas> = { [Name in keyof Fields]: SchemaInput<Fields[Name]> };
type FieldOutputs<Fields extends FieldSchemas> = { [Name in keyof Fields]: SchemaOutput<Fields[Name]> };

/** Fields that may be undefined may be left out. */
type Omittable<T> = { [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name] } & {
  [Name in keyof T as undefined extends T[Name] ? Name : never]?: T[Name];
} extends infer Both
  ? { [Name in keyof Both]: Both[Name] }
  : never;

/** A schema of an object whose fields have schemas of their own. */
export interface FieldsSchema<Fields extends FieldSchemas>
  extends Schema<Omittable<FieldInputs<Fields>>, Omittable<FieldOutputs<Fields>>> {
  readonly fields: Fields;
}

/**
 * An object whose fields are checked each by its own schema, of whichever library: so that streams stand beside other values,
 * `fields({ name: z.string(), file: stream(bytes()) })`. Other keys are left out.
 */
export function fields<Fields extends FieldSchemas>(schemas: Fields): FieldsSchema<Fields> {
  const check = (value: unknown): CheckResult | Promise<CheckResult> =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? checkFields(schemas, value as Readonly<Record<string, unknown>>)
      : { issues: [{ message: "expected an object" }] };
  // What the fields' schemas give together is known to the types above alone.
  return { fields: schemas, "~standard": { version: 1, vendor, validate: check as never } };
}

type Issues = SchemaError["issues"];
type CheckResult = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: Issues };

/** Synchronous where all schemas are. */
function checkFields(
  schemas: FieldSchemas,
  value: Readonly<Record<string, unknown>>,
): CheckResult | Promise<CheckResult> {
  const names = Object.keys(schemas);
  const checked = names.map((name) =>
    checkField(schemas[name] as Schema, Object.hasOwn(value, name) ? value[name] : undefined),
  );
  return checked.some(isPromise)
    ? Promise.all(checked.map((result) => Promise.resolve(result))).then((results) => join(schemas, names, results))
    : join(schemas, names, checked as CheckResult[]);
}

function checkField(schema: Schema, value: unknown): CheckResult | Promise<CheckResult> {
  try {
    const result = validate(schema, value);
    return isPromise(result) ? result.then((good) => ({ value: good }), refuse) : { value: result };
  } catch (error) {
    return refuse(error);
  }
}

function refuse(error: unknown): CheckResult {
  if (error instanceof SchemaError) return { issues: error.issues };
  throw error;
}

function join(schemas: FieldSchemas, names: readonly string[], results: readonly CheckResult[]): CheckResult {
  const issues: Issues[number][] = [];
  const value: Record<string, unknown> = {};
  for (const [index, result] of results.entries()) {
    const name = names[index] ?? "";
    if (result.issues !== undefined) {
      for (const issue of result.issues) issues.push({ ...issue, path: [name, ...(issue.path ?? [])] });
    } else if (result.value !== undefined) value[name] = result.value;
  }
  if (issues.length === 0) return { value };
  letGo(schemas, value);
  return { issues };
}

/** Streams beside what does not fit will not be read: their sources, files mostly, are told. */
function letGo(schemas: FieldSchemas, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    const schema = schemas[name] as Schema & { readonly item?: Schema; readonly fields?: FieldSchemas };
    // Schemas of other libraries have items, and fields, of their own.
    if (schema["~standard"].vendor !== vendor) continue;
    if (schema.fields !== undefined) letGo(schema.fields, value as Record<string, unknown>);
    else if (schema.item !== undefined) (value as Stream<unknown>).return?.().then(undefined, () => {});
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return value instanceof Promise;
}
