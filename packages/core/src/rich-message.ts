import type { Attached } from "./attached.ts";
import { type Attachment, Attachments } from "./attachments.ts";
import { TautlineError } from "./errors.ts";

/**
 * Characters of all the RegExp sources of a message together: five of them (`\p{L}`) can take 0.05 ms to read, so a limit for
 * each RegExp alone would not do.
 */
const maxRegExpLength = 1000;
/** Errors in a message: making one takes 0.01 ms, for its stack. */
const maxErrors = 1000;

/** One message on its way through the kinds: what it may still spend on those that take long to read, and what goes beside its JSON. */
export class RichMessage {
  readonly #received: Attached["received"];
  #bytes: Attachments | undefined = undefined;
  #taken: Set<number> | undefined = undefined;
  #regExpLength = maxRegExpLength;
  #errors = maxErrors;

  /** @param came what has come with it, where it is read. */
  constructor(came?: Attached) {
    this.#received = came?.received;
  }

  /** What is to go beside its JSON; undefined where there is nothing. */
  get attached(): Attached | undefined {
    return this.#bytes && { bytes: this.#bytes };
  }

  /** Has bytes go beside the JSON; gives what stands for them. */
  attach(bytes: Uint8Array): Attachment {
    this.#bytes ??= new Attachments();
    return this.#bytes.add(bytes);
  }

  /** The bytes of a number, once: what is referred to often would be copied often. */
  take(number: number): Uint8Array<ArrayBuffer> {
    this.#taken ??= new Set();
    const bytes = this.#taken.has(number) ? undefined : this.#received?.(number);
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
