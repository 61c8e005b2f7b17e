import { TautlineError } from "./errors.ts";
import type { StreamItems } from "./stream-source.ts";

/** On the outermost object of a value on its way out: the slots of the streams in it. A symbol: JSON does not see it. */
export const streamSlots: unique symbol = Symbol("streams");

/** On the outermost object of a value that has come: what opens the streams in it. */
export const streamOpener: unique symbol = Symbol("open stream");

/** Receives a stream that a value holds. @throws TautlineError where it cannot be had. */
export type OpenStream = (number: number, size: number | undefined) => AsyncIterable<unknown>;

/** Stands for a stream in a value's JSON, once whoever sends the value has numbered it. */
export class StreamSlot {
  /** Which of its call's streams in this direction it is, counted from 1; 0 before it is sent. */
  number = 0;
  readonly items: AsyncIterable<unknown>;
  readonly size: number | undefined;

  constructor({ items, size }: StreamItems) {
    this.items = items;
    this.size = size;
  }

  /** @throws TautlineError `BAD_REQUEST` where the value is sent by something that carries no streams. */
  toJSON(): readonly number[] {
    if (this.number === 0) throw new TautlineError({ code: "BAD_REQUEST", message: "nothing carries streams here" });
    return this.size === undefined ? [this.number] : [this.number, this.size];
  }
}

/** The streams of a value that is to be sent. */
export function slotsOf(value: unknown): readonly StreamSlot[] | undefined {
  return typeof value === "object" && value !== null
    ? (value as { [streamSlots]?: StreamSlot[] })[streamSlots]
    : undefined;
}

/** A value that has come, and may hold streams: it has a mark. */
interface Openable {
  [streamOpener]?: OpenStream;
}

export function mayHoldStreams(value: unknown): value is Openable {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "$rich");
}

/** The same value, of which nothing can be opened: for those who only look. */
export function withoutStreams(value: unknown): unknown {
  return mayHoldStreams(value) ? { $rich: (value as { readonly $rich?: unknown }).$rich } : value;
}

/** Lets the streams of a value be opened by whoever reads it. */
export function setOpener(value: Openable, open: OpenStream): void {
  value[streamOpener] = open;
}

/** Streams that will not be sent: their sources are told. */
export function discardSlots(slots: readonly StreamSlot[] | undefined): void {
  for (const { items } of slots ?? []) {
    // Nobody waits for what a source does when nobody wants it, nor hears of its errors.
    try {
      items[Symbol.asyncIterator]()
        .return?.()
        ?.then(undefined, () => {});
    } catch {}
  }
}
