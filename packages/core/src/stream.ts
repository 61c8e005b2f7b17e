import { TautlineError } from "./errors.ts";
import { IncomingStream, type Stream } from "./incoming-stream.ts";
import { isPromise, type Schema, SchemaError, type SchemaInput, type SchemaOutput, validate } from "./schema.ts";
import { readStreamInput, type StreamInput, type StreamItems } from "./stream-source.ts";

/** A schema of streams. */
export interface StreamSchema<Item extends Schema>
  extends Schema<StreamInput<SchemaInput<Item>>, Stream<SchemaOutput<Item>>> {
  readonly item: Item;
}

/**
 * A stream of items, for a contract's inputs and outputs: what is handed over is an async iterable, a ReadableStream or, where the
 * items are bytes, a Blob or a File; what arrives is a {@link Stream}, to be read once, as fast as its reader likes. Alone, or in
 * `fields({ … })` beside others.
 *
 * Each item is checked with its schema when it is read. One that does not fit ends the stream at both ends: with `BAD_REQUEST` where a
 * caller has sent it, with `INTERNAL_SERVER_ERROR` where a handler has.
 */
export function stream<Item extends Schema>(item: Item): StreamSchema<Item> {
  const check = (value: unknown): CheckResult => {
    const source = typeof value === "object" && value !== null ? readStreamInput(value) : undefined;
    if (source === undefined) return { issues: [{ message: "expected a stream" }] };
    return { value: new CheckedStream(source, item) };
  };
  // The checked stream's items are what the item's schema gives, which TypeScript cannot follow.
  return { item, "~standard": { version: 1, vendor: "tautline", validate: check as never } };
}

type CheckResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** A stream whose items are checked when they are read. */
class CheckedStream implements Stream<unknown> {
  readonly size: number | undefined;
  readonly #items: AsyncIterable<unknown>;
  readonly #schema: Schema;
  #iterator: AsyncIterator<unknown> | undefined;

  constructor({ items, size }: StreamItems, schema: Schema) {
    this.size = size;
    this.#items = items;
    this.#schema = schema;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<unknown, void>> {
    this.#iterator ??= this.#items[Symbol.asyncIterator]();
    return Promise.resolve(this.#iterator.next()).then(this.#onResult);
  }

  async return(): Promise<IteratorResult<unknown, void>> {
    this.#iterator ??= this.#items[Symbol.asyncIterator]();
    await this.#iterator.return?.();
    return { done: true, value: undefined };
  }

  /** One promise above the source's own for each item, as long as the schema is synchronous. */
  readonly #onResult = (
    result: IteratorResult<unknown>,
  ): IteratorResult<unknown, void> | Promise<IteratorResult<unknown, void>> => {
    if (result.done === true) return { done: true, value: undefined };
    try {
      const item = validate(this.#schema, result.value);
      return isPromise(item) ? item.then(toResult, this.#fail) : toResult(item);
    } catch (error) {
      return this.#fail(error);
    }
  };

  readonly #fail = (error: unknown): never => {
    // Not waited for: what comes after an item that does not fit concerns nobody.
    void this.return().catch(() => {});
    throw this.#describe(error);
  };

  /** What has come from the other end is its fault, and it is told so. */
  #describe(error: unknown): unknown {
    if (!(error instanceof SchemaError) || !(this.#items instanceof IncomingStream)) return error;
    return new TautlineError({ code: "BAD_REQUEST", message: error.message, cause: error });
  }
}

function toResult(value: unknown): IteratorResult<unknown, void> {
  return { done: false, value };
}
