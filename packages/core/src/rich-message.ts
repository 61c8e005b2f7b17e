import type { Attached } from "./attached.ts";
import { type Attachment, Attachments } from "./attachments.ts";
import { TautlineError } from "./errors.ts";
import { discardStreams, StreamSlot } from "./stream-slot.ts";
import type { StreamItems } from "./stream-source.ts";

/**
 * Characters of all the RegExp sources of a message together: five of them (`\p{L}`) can take 0.05 ms to read, so a limit for
 * each RegExp alone would not do.
 */
const maxRegExpLength = 1000;
/** Errors in a message: making one takes 0.01 ms, for its stack. */
const maxErrors = 1000;

/** One message on its way through the kinds: what it may still spend on those that take long to read, and what goes beside its JSON. */
export class RichMessage {
  readonly #came: Attached | undefined;
  readonly #streams: StreamSlot[] = [];
  #bytes: Attachments | undefined = undefined;
  #taken: Set<number> | undefined = undefined;
  #regExpLength = maxRegExpLength;
  #errors = maxErrors;

  /** @param came what has come with it, where it is read. */
  constructor(came?: Attached) {
    this.#came = came;
  }

  /** What is to go beside its JSON; undefined where there is nothing. */
  get attached(): Attached | undefined {
    if (this.#streams.length > 0) return { bytes: this.#bytes, streams: this.#streams };
    return this.#bytes && { bytes: this.#bytes };
  }

  /** Has a stream go after the message; gives what stands for it. */
  addStream(items: StreamItems): StreamSlot {
    const slot = new StreamSlot(items, this.#streams);
    this.#streams.push(slot);
    return slot;
  }

  /** Streams that were added and will not be sent. */
  discard(): void {
    discardStreams(this.#streams);
  }

  /** Receives the stream of a number. */
  openStream(number: number, size: number | undefined): AsyncIterable<unknown> {
    if (this.#came?.openStream === undefined) throw invalidValue("nothing carries streams here");
    return this.#came.openStream(number, size);
  }

  /** Has bytes go beside the JSON; gives what stands for them. */
  attach(bytes: Uint8Array): Attachment {
    this.#bytes ??= new Attachments();
    return this.#bytes.add(bytes);
  }

  /** The bytes of a number, once: what is referred to often would be copied often. */
  take(number: number): Uint8Array<ArrayBuffer> {
    this.#taken ??= new Set();
    const bytes = this.#taken.has(number) ? undefined : this.#came?.received?.(number);
    if (bytes === undefined) throw invalidValue("an attachment that is not there, or was taken already");
    this.#taken.add(number);
    return bytes;
  }

  /** @param length of a RegExp's source. */
  spendRegExp(length: number): void {
    this.#regExpLength -= Math.max(length, 1);
    if (this.#regExpLength < 0) throw invalidValue(`a message's RegExps have ${maxRegExpLength} characters at most`);
  }

  spendError(): void {
    if (--this.#errors < 0) throw invalidValue(`a message holds ${maxErrors} Errors at most`);
  }
}

/** Why a value was refused, in either direction. */
export function invalidValue(message: string, cause?: unknown): TautlineError {
  return new TautlineError({ code: "BAD_REQUEST", message, cause });
}
