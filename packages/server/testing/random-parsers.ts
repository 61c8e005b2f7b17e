// oxlint-disable unicorn/no-thenable -- thenables are part of what is tried
import { z } from "zod";
import { parsers, type Recorder } from "./recorder.ts";

/** What a parser of the user's own throws for input that it does not take. */
export type Refuse = () => never;

type MakeParser = (record: (value: unknown) => void, refuse: Refuse) => unknown;

function hasA(value: unknown): value is { a: unknown } {
  return typeof value === "object" && value !== null && "a" in value;
}

/** A thenable that is no promise: it settles late and returns nothing from `then`. */
function thenable(settle: () => unknown): object {
  return {
    then(resolve: (value: unknown) => void, reject: (reason: unknown) => void): void {
      queueMicrotask(() => {
        try {
          resolve(settle());
        } catch (error) {
          reject(error);
        }
      });
    },
  };
}

function standard(validate: (value: unknown) => unknown): object {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

/** Every kind of parser that tRPC takes, each asynchronous and not. `refuse` throws; `record` notes that it was asked. */
const makers: Readonly<Record<string, MakeParser>> = {
  zodObject: () => z.object({ a: z.string() }),
  zodOptional: () => z.object({ b: z.number().optional() }).optional(),
  zodDefault: () => z.object({ c: z.number().default(3) }),
  zodLoose: () => z.looseObject({}),
  zodTransform: () => z.object({ a: z.coerce.string() }).transform(({ a }) => ({ upper: a.toUpperCase() })),
  zodToArray: () => z.object({ a: z.unknown() }).transform(({ a }) => [a]),
  zodString: () => z.string(),
  zodArray: () => z.array(z.number()),
  zodAny: () => z.any(),
  zodRefine: (record) => z.object({ a: z.unknown() }).refine((value) => (record(value), value.a !== 1)),
  zodAsyncRefine: (record) =>
    z.looseObject({}).refine(async (value) => {
      record(value);
      await Promise.resolve();
      return value["a"] !== 1;
    }),
  // None that rejects: tRPC tries zod's synchronous parse first, and leaves the promise that this starts unhandled.
  zodAsyncTransform: () => z.any().transform(async (value: unknown) => ({ wrapped: value })),
  zodThrows: (_record, refuse) => z.any().transform((value: unknown) => (hasA(value) ? { seen: value.a } : refuse())),
  function: (record, refuse) => (value: unknown) => {
    record(value);
    return hasA(value) ? { function: value.a } : refuse();
  },
  functionSame: (record) => (value: unknown) => {
    record(value);
    return value;
  },
  functionNothing: () => () => undefined,
  functionNull: () => () => null,
  asyncFunction: (record, refuse) => async (value: unknown) => {
    record(value);
    return hasA(value) ? { asyncFunction: value.a } : refuse();
  },
  functionThenable: (_record, refuse) => (value: unknown) =>
    thenable(() => (hasA(value) ? { thenable: value.a } : refuse())),
  functionMutates: () => (value: unknown) => {
    if (typeof value === "object" && value !== null && !Object.isFrozen(value)) Object.assign(value, { mutated: true });
    return value;
  },
  parse: (_record, refuse) => ({ parse: (value: unknown) => (hasA(value) ? { parse: value.a } : refuse()) }),
  parseAsync: (_record, refuse) => ({
    parseAsync: async (value: unknown) => (hasA(value) ? { parseAsync: value.a } : refuse()),
  }),
  validateSync: (_record, refuse) => ({
    validateSync: (value: unknown) => (hasA(value) ? { validateSync: value.a } : refuse()),
  }),
  create: (_record, refuse) => ({ create: (value: unknown) => (hasA(value) ? { create: value.a } : refuse()) }),
  assert: (_record, refuse) => ({ assert: (value: unknown) => (hasA(value) ? undefined : refuse()) }),
  standard: () =>
    standard((value) => (hasA(value) ? { value: { standard: value.a } } : { issues: [{ message: "no a" }] })),
  asyncStandard: () =>
    standard(async (value) => (hasA(value) ? { value: { standard: value.a } } : { issues: [{ message: "no a" }] })),
  standardThrows: (_record, refuse) => standard(() => refuse()),
};

export const parserKinds: readonly string[] = Object.keys(makers);

/** A new parser of a kind, which notes in `recorder` what it is asked where it can. */
export function makeParser(kind: string, name: string, recorder: Recorder, refuse: Refuse): unknown {
  return makers[kind]?.((value) => recorder.record(parsers, name, value), refuse);
}
