import {
  type ContractProcedure,
  isTrpcErrorCode,
  type Schema,
  SchemaError,
  TautlineError,
  validate,
} from "@tautline/core";
import type { IncomingCall } from "@tautline/core/internals";
import { trpcErrorNumbers } from "./error-numbers.ts";
import { type ExposedCall, type ExposedProcedure, type ExposedProcedures, isAsyncIterable } from "./exposed-calls.ts";

/** A handler, as it is known without its procedure's types. */
export type ContractHandler = (call: ExposedCall) => unknown;

/** A contract's procedures by their paths. */
export class ContractProcedures implements ExposedProcedures {
  readonly #procedures: ReadonlyMap<string, ExposedProcedure>;

  constructor(procedures: ReadonlyMap<string, ExposedProcedure>) {
    this.#procedures = procedures;
  }

  find(path: string): Promise<ExposedProcedure | undefined> {
    return Promise.resolve(this.#procedures.get(path));
  }

  describe(thrown: unknown, { path }: IncomingCall): { error: TautlineError; shape: unknown } {
    const error = TautlineError.from(thrown);
    const code = isTrpcErrorCode(error.code) ? error.code : "INTERNAL_SERVER_ERROR";
    const message = code === "INTERNAL_SERVER_ERROR" ? "Internal server error" : error.message;
    return { error, shape: { message, code: trpcErrorNumbers[code], data: { code, path } } };
  }
}

/** Puts the schemas of a procedure around its handler. */
export function createProcedure(
  { type, input, output, ...more }: ContractProcedure,
  handler: ContractHandler,
): ExposedProcedure {
  const readItem = "tracked" in more && more.tracked === true ? readTrackedItem : readPlainItem;
  return {
    type,
    run: async (call) => {
      const result = await handler(call.with(input && (await readInput(input, call.input))));
      if (type !== "subscription") return checkOutput(result, output);
      return isAsyncIterable(result)
        ? new CheckedItems(result, (item) => checkItem(readItem(item).value, output))
        : result;
    },
    readItem,
  };
}

async function readInput(schema: Schema, value: unknown): Promise<unknown> {
  try {
    return await validate(schema, value);
  } catch (cause) {
    const message = cause instanceof SchemaError ? cause.message : "the input's schema failed";
    throw new TautlineError({ code: "BAD_REQUEST", message, cause });
  }
}

/** The value as it was given: the server's check is the one that counts, and a schema that transforms must do so once. */
async function checkOutput(value: unknown, schema: Schema | undefined): Promise<unknown> {
  if (schema === undefined) return undefined;
  await validate(schema, value);
  return value;
}

async function checkItem(value: unknown, schema: Schema | undefined): Promise<void> {
  if (schema !== undefined) await validate(schema, value);
}

function readPlainItem(value: unknown): { value: unknown } {
  return { value };
}

function readTrackedItem(item: unknown): { value: unknown; id: string } {
  const { id, data: value } = Object(item) as { id?: unknown; data?: unknown };
  if (typeof id !== "string") throw new TypeError("the item is no { id, data }");
  return { value, id };
}

/** Items, each of which is checked before it goes on. One that does not fit ends its source. */
class CheckedItems implements AsyncIterableIterator<unknown> {
  readonly #source: AsyncIterator<unknown>;
  readonly #check: (item: unknown) => Promise<void>;

  constructor(source: AsyncIterable<unknown>, check: (item: unknown) => Promise<void>) {
    this.#source = source[Symbol.asyncIterator]();
    this.#check = check;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    const result = await this.#source.next();
    if (result.done === true) return result;
    try {
      await this.#check(result.value);
    } catch (error) {
      // Not waited for: cleaning up may take as long as it likes.
      this.return().catch(() => {});
      throw error;
    }
    return result;
  }

  async return(): Promise<IteratorResult<unknown>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }
}
