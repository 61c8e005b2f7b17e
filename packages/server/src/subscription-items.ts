import { type Schema, SchemaError, validate } from "@tautline/core";
import { isTrackedEnvelope, TRPCError, tracked } from "@trpc/server";
import { isObservable, type Observable, type Observer, observable } from "@trpc/server/observable";
import type { AnyMiddlewareFunction } from "@trpc/server/unstable-core-do-not-import";
import { isThenable } from "./thenable.ts";

/** How a contract wants a subscription's items. */
export interface ItemCheck {
  readonly schema: Schema;
  /** Every item has to come as `tracked(id, item)`. Otherwise it may. */
  readonly tracked: boolean;
}

const itemChecks = new WeakMap<object, ItemCheck>();

/** A tRPC middleware that checks each item of the subscription behind it. */
export function createItemMiddleware(check: ItemCheck): AnyMiddlewareFunction {
  const itemMiddleware: AnyMiddlewareFunction = async ({ next }) => {
    const result = await next();
    return result.ok ? { ...result, data: checkItems(result.data, check) } : result;
  };
  itemChecks.set(itemMiddleware, check);
  return itemMiddleware;
}

/** What a middleware made by {@link createItemMiddleware} checks; undefined for every other middleware. */
export function itemCheckOf(middleware: object): ItemCheck | undefined {
  return itemChecks.get(middleware);
}

const hidingEventIds = new WeakSet<object>();

/** Has a subscription's event ids kept from those who read its items: its contract does not say `tracked`. */
export function hideEventIds(procedure: object): void {
  hidingEventIds.add(procedure);
}

export function hidesEventIds(procedure: object): boolean {
  return hidingEventIds.has(procedure);
}

/** A source that has a better way to check its items than one by one for each subscriber. */
export abstract class CheckableSource {
  /** The same with each item checked. */
  abstract checkedBy(check: ItemCheck): CheckableSource;
}

/**
 * What a subscription's handler returned, with each item replaced by what the schema makes of it. An item that does not
 * fit ends the subscription with tRPC's `INTERNAL_SERVER_ERROR` "Output validation failed", and the source is returned
 * (or unsubscribed from). What is neither an async iterable nor an observable is passed through: tRPC refuses it.
 */
export function checkItems(source: unknown, check: ItemCheck): unknown {
  if (source instanceof CheckableSource) return source.checkedBy(check);
  if (isAsyncIterable(source)) return new CheckedItems(source, check);
  return isObservable(source) ? checkObservable(source, check) : source;
}

/** What the schema makes of an item's data, or a promise of it where it is asynchronous. Throws or rejects with a TRPCError. */
export function checkData(data: unknown, { schema }: ItemCheck): unknown {
  try {
    const checked = validate(schema, data);
    return isThenable(checked) ? checked.then(undefined, refuse) : checked;
  } catch (cause) {
    return refuse(cause);
  }
}

/** An item as it goes on, or a promise of it where the schema is asynchronous. Throws or rejects with a TRPCError. */
function checkItem(item: unknown, { schema, tracked: mustBeTracked }: ItemCheck): unknown {
  const envelope = isTrackedEnvelope(item) ? item : undefined;
  if (mustBeTracked && envelope === undefined) return refuse(new SchemaError([{ message: "The item is not tracked" }]));
  try {
    const checked = validate(schema, envelope === undefined ? item : envelope[1]);
    if (isThenable(checked)) return checked.then((value) => pack(value, envelope?.[0]), refuse);
    return pack(checked, envelope?.[0]);
  } catch (cause) {
    return refuse(cause);
  }
}

function pack(value: unknown, id: string | undefined): unknown {
  return id === undefined ? value : tracked(id, value);
}

function refuse(cause: unknown): never {
  throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: "Output validation failed", cause });
}

class CheckedItems implements AsyncIterable<unknown> {
  readonly #source: AsyncIterable<unknown>;
  readonly #check: ItemCheck;

  constructor(source: AsyncIterable<unknown>, check: ItemCheck) {
    this.#source = source;
    this.#check = check;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return new CheckedIterator(this.#source[Symbol.asyncIterator](), this.#check);
  }
}

/** Checks one run through the items. `next` costs one promise above the source's own. */
class CheckedIterator implements AsyncIterator<unknown> {
  readonly #source: AsyncIterator<unknown>;
  readonly #check: ItemCheck;
  #failed = false;

  constructor(source: AsyncIterator<unknown>, check: ItemCheck) {
    this.#source = source;
    this.#check = check;
  }

  next(...sent: [] | [unknown]): Promise<IteratorResult<unknown>> {
    if (this.#failed) return ended(undefined);
    return Promise.resolve(this.#source.next(...sent)).then(this.#onResult);
  }

  return(value?: unknown): Promise<IteratorResult<unknown>> {
    return this.#source.return?.(value) ?? ended(value);
  }

  throw(error?: unknown): Promise<IteratorResult<unknown>> {
    return this.#source.throw?.(error) ?? this.#returnAndThrow(error);
  }

  /** As `yield*` does with a source that has no `throw`. */
  async #returnAndThrow(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  readonly #onResult = (
    result: IteratorResult<unknown>,
  ): IteratorResult<unknown> | Promise<IteratorResult<unknown>> => {
    if (result.done === true) return result;
    if (this.#failed) return { done: true, value: undefined };
    try {
      const item = checkItem(result.value, this.#check);
      return isThenable(item) ? Promise.resolve(item).then(toResult, this.#fail) : toResult(item);
    } catch (error) {
      return this.#fail(error);
    }
  };

  readonly #fail = (error: unknown): never => {
    this.#failed = true;
    // Not waited for: cleaning up may take as long as it likes.
    void this.#endSource();
    throw error;
  };

  async #endSource(): Promise<void> {
    try {
      await this.#source.return?.();
    } catch {
      // The item that did not fit is what the subscription ends with.
    }
  }
}

function toResult(value: unknown): IteratorResult<unknown> {
  return { done: false, value };
}

function ended(value: unknown): Promise<IteratorResult<unknown>> {
  return Promise.resolve({ done: true, value });
}

function checkObservable(source: Observable<unknown, unknown>, check: ItemCheck): Observable<unknown, unknown> {
  return observable((observer) => source.subscribe(new CheckedObserver(observer, check)));
}

/** Checks what an observable emits. Everything keeps its order, also where the schema is asynchronous. */
class CheckedObserver implements Observer<unknown, unknown> {
  readonly #observer: Observer<unknown, unknown>;
  readonly #check: ItemCheck;
  /** Ends when all items so far were passed on; undefined where none has to be waited for. */
  #pending: Promise<void> | undefined;

  constructor(observer: Observer<unknown, unknown>, check: ItemCheck) {
    this.#observer = observer;
    this.#check = check;
  }

  next(item: unknown): void {
    this.#inOrder(() => this.#emit(item));
  }

  // An observable of tRPC's passes nothing on after its first error or completion, and then unsubscribes from its source.
  error(error: unknown): void {
    this.#inOrder(() => this.#observer.error(error));
  }

  complete(): void {
    this.#inOrder(() => this.#observer.complete());
  }

  #emit(item: unknown): Promise<void> | void {
    let checked: unknown;
    try {
      checked = checkItem(item, this.#check);
    } catch (error) {
      return this.#observer.error(error);
    }
    if (!isThenable(checked)) return this.#observer.next(checked);
    return Promise.resolve(checked).then((value) => this.#observer.next(value));
  }

  #inOrder(step: () => Promise<void> | void): void {
    const running = this.#pending === undefined ? step() : this.#pending.then(step);
    if (running === undefined) return;
    const pending = running
      .catch((error: unknown) => this.#observer.error(error))
      .then(() => {
        if (this.#pending === pending) this.#pending = undefined;
      });
    this.#pending = pending;
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
