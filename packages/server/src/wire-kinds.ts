import type { Schema } from "@tautline/core";

/** A kind of value that JSON does not keep. */
export type WireKind = "Date" | "bigint" | "Map" | "Set" | "NaN" | "undefined in an array" | "bytes" | "a stream";

/** Which way a value goes: inputs cross as the schema takes them, outputs as the schema gives them. */
export type Direction = "input" | "output";

/** Zod 4's names of its schemas' types (`_zod.def.type`), and Zod 3's (`_def.typeName`). */
const kindsByType: ReadonlyMap<unknown, WireKind> = new Map<unknown, WireKind>([
  ["date", "Date"],
  ["bigint", "bigint"],
  ["map", "Map"],
  ["set", "Set"],
  ["nan", "NaN"],
  ["ZodDate", "Date"],
  ["ZodBigInt", "bigint"],
  ["ZodMap", "Map"],
  ["ZodSet", "Set"],
  ["ZodNaN", "NaN"],
]);
/** What `z.instanceof` of these lets through: a transformer that keeps bytes keeps all of them. */
const bytesClasses: ReadonlySet<unknown> = new Set([Uint8Array, Buffer, ArrayBuffer]);
const pipeTypes: ReadonlySet<unknown> = new Set(["pipe", "ZodPipeline"]);
const arrayTypes: ReadonlySet<unknown> = new Set(["array", "tuple", "ZodArray", "ZodTuple"]);
const optionalTypes: ReadonlySet<unknown> = new Set([
  "optional",
  "undefined",
  "void",
  "ZodOptional",
  "ZodUndefined",
  "ZodVoid",
]);
/** What lets undefined through where its parts do. */
const transparentTypes: ReadonlySet<unknown> = new Set([
  "union",
  "nullable",
  "readonly",
  "pipe",
  "ZodUnion",
  "ZodNullable",
  "ZodReadonly",
  "ZodBranded",
  "ZodPipeline",
  "ZodEffects",
]);

/** Where definitions keep the schemas that they are made of. Not all fields: a default's may run the user's code. */
const partKeys = [
  "shape",
  "catchall",
  "element",
  "items",
  "rest",
  "options",
  "left",
  "right",
  "innerType",
  "getter",
  "keyType",
  "valueType",
  "type",
] as const;

/**
 * The kinds of values that a Zod schema (3 or 4), or one of `stream`, `fields` and `bytes`, lets cross the wire in a direction and that
 * JSON does not keep. Bytes also where Zod 4's `z.instanceof` says so. Empty for other libraries' schemas, and for what Zod does not tell
 * itself: transforms, `z.custom`, `z.instanceof` of most classes.
 */
export function wireKindsOf(schema: Schema, direction: Direction): ReadonlySet<WireKind> {
  const kinds = new Set<WireKind>();
  const seen = new Set<unknown>();
  const waiting: unknown[] = [schema];
  for (const next of waiting) {
    if (seen.has(next)) continue;
    if (seen.size === maxSchemas) break;
    seen.add(next);
    const { kind, parts } = read(next, direction);
    if (kind !== undefined) kinds.add(kind);
    waiting.push(...parts);
  }
  return kinds;
}

/** The nearest are looked at first; what `z.lazy` makes anew whenever it is asked would never end. */
const maxSchemas = 5_000;

/** What a schema lets cross by itself, and the schemas that it is made of. */
interface Reading {
  readonly kind?: WireKind | undefined;
  readonly parts: readonly unknown[];
}

/** One that refers to what is made later only tells when that is there. */
function read(schema: unknown, direction: Direction): Reading {
  try {
    return readOwn(schema) ?? readZod(schema, direction);
  } catch {
    return { parts: [] };
  }
}

/** Reads a schema of `stream`, `fields` or `bytes`. */
function readOwn(schema: unknown): Reading | undefined {
  const standard = isRecord(schema) ? schema["~standard"] : undefined;
  if (!isRecord(schema) || !isRecord(standard) || standard["vendor"] !== "tautline") return undefined;
  if ("item" in schema) return { kind: "a stream", parts: [schema["item"]] };
  if ("bytes" in schema) return { kind: "bytes", parts: [] };
  return { parts: isRecord(schema["fields"]) ? Object.values(schema["fields"]) : [] };
}

function readZod(schema: unknown, direction: Direction): Reading {
  if (isInstanceOfBytes(schema)) return { kind: "bytes", parts: [] };
  const definition = definitionOf(schema);
  if (definition === undefined) return { parts: [] };
  return { kind: kindOf(definition, direction), parts: partsOf(definition, direction) };
}

function isInstanceOfBytes(schema: unknown): boolean {
  const internals = isRecord(schema) ? schema["_zod"] : undefined;
  const bag = isRecord(internals) ? internals["bag"] : undefined;
  return isRecord(bag) && bytesClasses.has(bag["Class"]);
}

type Definition = Readonly<Record<string, unknown>>;

function definitionOf(schema: unknown): Definition | undefined {
  if (!isRecord(schema)) return undefined;
  const internals = schema["_zod"];
  const definition = isRecord(internals) ? internals["def"] : schema["_def"];
  return isRecord(definition) && typeOf(definition) !== undefined ? definition : undefined;
}

function typeOf(definition: Definition): unknown {
  return definition["typeName"] ?? definition["type"];
}

function kindOf(definition: Definition, direction: Direction): WireKind | undefined {
  // What is coerced may come as anything, in JSON's terms as well.
  if (direction === "input" && definition["coerce"] === true) return undefined;
  const type = typeOf(definition);
  if (!arrayTypes.has(type)) return kindsByType.get(type);
  const mayBeUndefined = partsOf(definition, direction).some((part) => admitsUndefined(part, direction));
  return mayBeUndefined ? "undefined in an array" : undefined;
}

function admitsUndefined(schema: unknown, direction: Direction): boolean {
  const definition = definitionOf(schema);
  if (definition === undefined) return false;
  const type = typeOf(definition);
  if (optionalTypes.has(type)) return true;
  return transparentTypes.has(type) && partsOf(definition, direction).some((part) => admitsUndefined(part, direction));
}

/** The schemas that a schema is made of. */
function partsOf(definition: Definition, direction: Direction): unknown[] {
  const type = typeOf(definition);
  if (pipeTypes.has(type)) return [definition[direction === "input" ? "in" : "out"]];
  if (type === "ZodEffects") return isUnknowable(definition, direction) ? [] : [definition["schema"]];
  return partKeys.flatMap((key) => schemasIn(definition[key]));
}

/** Zod 3's transforms give, and its preprocessors take, what cannot be known. */
function isUnknowable(definition: Definition, direction: Direction): boolean {
  const effect = isRecord(definition["effect"]) ? definition["effect"]["type"] : undefined;
  return effect === (direction === "input" ? "preprocess" : "transform");
}

/** The schemas in one of a definition's fields: one, a list, a record of them, or a function that gives such. */
function schemasIn(field: unknown): unknown[] {
  const value: unknown = typeof field === "function" ? (field as () => unknown)() : field;
  if (definitionOf(value) !== undefined) return [value];
  return typeof value === "object" && value !== null ? Object.values(value) : [];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
