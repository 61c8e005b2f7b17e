import type { BytesToSend } from "./attached.ts";
import { toBase64 } from "./base64.ts";
import { encodeBinaryFrame } from "./binary-frame.ts";
import { TautlineError } from "./errors.ts";
import { maxAttachments } from "./options.ts";

/**
 * Bytes in a value that is to be sent. JSON gets their number where they travel beside it in a binary frame, and themselves in base64
 * wherever else it is made: under tRPC's own links and adapters.
 */
export class Attachment {
  readonly bytes: Uint8Array;
  readonly #number: number;
  readonly #all: Attachments;

  /** Made by {@link Attachments}. */
  constructor(bytes: Uint8Array, number: number, all: Attachments) {
    this.bytes = bytes;
    this.#number = number;
    this.#all = all;
  }

  toJSON(): number | string {
    return this.#all.numbered ? this.#number : toBase64(this.bytes);
  }
}

/** The bytes that go with one message, in the order of their numbers. */
export class Attachments implements BytesToSend {
  #numbered = false;
  #parts: Uint8Array[] = [];

  /** Whether JSON gets numbers. */
  get numbered(): boolean {
    return this.#numbered;
  }

  /** Takes bytes, without copying them yet; gives what stands for them. @throws TautlineError `BAD_REQUEST` where they are too many. */
  add(bytes: Uint8Array): Attachment {
    if (this.#parts.length === maxAttachments) {
      throw new TautlineError({ code: "BAD_REQUEST", message: `a message has ${maxAttachments} attachments at most` });
    }
    return new Attachment(bytes, this.#parts.push(bytes) - 1, this);
  }

  stringify(value: unknown): string {
    this.#numbered = true;
    try {
      return JSON.stringify(value);
    } finally {
      this.#numbered = false;
    }
  }

  encode(message: string, maxFrameBytes: number): Uint8Array<ArrayBuffer> {
    const frame = encodeBinaryFrame(message, this.#parts, maxFrameBytes);
    let start = frame.length;
    for (let index = this.#parts.length - 1; index >= 0; index--) {
      const end = start;
      start -= this.#parts[index]?.length ?? 0;
      this.#parts[index] = frame.subarray(start, end);
    }
    return frame;
  }
}
