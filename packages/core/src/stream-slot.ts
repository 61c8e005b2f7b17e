import { type Attached, attached, attachedTo, type OpenStream, type StreamToSend } from "./attached.ts";
import { TautlineError } from "./errors.ts";
import type { StreamItems } from "./stream-source.ts";

/** Stands for a stream in a value's JSON, once whoever sends the value has numbered it. */
export class StreamSlot implements StreamToSend {
  /** 0 before it is sent. */
  number = 0;
  readonly items: AsyncIterable<unknown>;
  readonly size: number | undefined;
  readonly #all: readonly StreamToSend[];

  /** @param all streams of the value. */
  constructor({ items, size }: StreamItems, all: readonly StreamToSend[]) {
    this.items = items;
    this.size = size;
    this.#all = all;
  }

  /**
   * @throws TautlineError `UNSUPPORTED_MEDIA_TYPE` where the value is sent by something that carries no streams, or to somebody who takes
   * none; the sources are then told.
   */
  toJSON(): readonly number[] {
    if (this.number === 0) {
      discardStreams(this.#all);
      throw new TautlineError({ code: "UNSUPPORTED_MEDIA_TYPE", message: "nothing carries streams here" });
    }
    return this.size === undefined ? [this.number] : [this.number, this.size];
  }
}

/** The streams of a value that is to be sent. */
export function streamsOf(value: unknown): readonly StreamToSend[] | undefined {
  return attachedTo(value)?.streams;
}

/** A value that has come, and may hold streams: it has a mark. */
interface Marked {
  readonly $rich: unknown;
  [attached]?: Attached;
}

export function mayHoldStreams(value: unknown): value is Marked {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "$rich");
}

/** Lets the streams of a value be opened by whoever reads it. */
export function setOpener(value: Marked, openStream: OpenStream): void {
  value[attached] = { ...value[attached], openStream };
}

/** The same value, of which nothing can be opened: for those who only look. */
export function withoutStreams(value: unknown): unknown {
  return mayHoldStreams(value) ? { ...value, [attached]: { received: value[attached]?.received } } : value;
}

/** Streams that will not be sent: their sources are told. */
export function discardStreams(streams: readonly StreamToSend[] | undefined): void {
  for (const { items } of streams ?? []) {
    // Nobody waits for what a source does when nobody wants it, nor hears of its errors.
    try {
      items[Symbol.asyncIterator]()
        .return?.()
        ?.then(undefined, () => {});
    } catch {}
  }
}
