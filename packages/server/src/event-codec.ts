import { TautlineError } from "@tautline/core";

/** What events are written with, and read: `rich`, or another transformer of tRPC's. */
export interface EventTransformer {
  // tRPC's transformers have it so.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly serialize: (value: any) => any;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly deserialize: (value: any) => any;
}

/** Events as text, as brokers take them. */
export class EventCodec {
  readonly #transformer: EventTransformer;
  readonly #maxBytes: number;

  /** @param maxBytes of a text, in UTF-8. */
  constructor(transformer: EventTransformer, maxBytes: number) {
    this.#transformer = transformer;
    this.#maxBytes = maxBytes;
  }

  /** @throws TautlineError `INTERNAL_SERVER_ERROR` where it cannot be written, `PAYLOAD_TOO_LARGE` where it is too long. */
  encode(data: unknown): string {
    const text = this.#write(data);
    if (Buffer.byteLength(text) > this.#maxBytes)
      throw new TautlineError({ code: "PAYLOAD_TOO_LARGE", message: `an event has ${this.#maxBytes} bytes at most` });
    return text;
  }

  decode(text: string): unknown {
    const written: unknown = text === "" ? undefined : JSON.parse(text);
    return this.#transformer.deserialize(written);
  }

  /** The empty text stands for undefined, which JSON has no word for. */
  #write(data: unknown): string {
    try {
      return JSON.stringify(this.#transformer.serialize(data)) ?? "";
    } catch (cause) {
      throw new TautlineError({ code: "INTERNAL_SERVER_ERROR", message: "the event cannot be written", cause });
    }
  }
}
