import { TautlineError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { maxLargeMessages } from "./options.ts";
import { badMessage, type CalleePartMessage, type CallerPartMessage } from "./protocol.ts";

/** A large message of which parts have come. */
interface Collected {
  readonly id: number;
  readonly length: number;
  readonly parts: (string | Uint8Array)[];
  done: number;
  /** Refused: what still comes of it is let go. */
  refused: boolean;
}

/** Those that were refused and still come. */
const maxRefusedMessages = 1000;

/** Puts large messages together from their parts. */
export class PartCollector {
  readonly #maxLength: number;
  readonly #messages = new Map<string, Collected>();

  /** @param maxLength of one message, in UTF-16 units or bytes. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /**
   * Takes a part. Returns the frame that the message would have been, where this was its last.
   *
   * @throws TautlineError `BAD_MESSAGE` where parts do not fit together, once for a message `PAYLOAD_TOO_LARGE` or
   * `TOO_MANY_REQUESTS`: its parts are then let go.
   */
  add([, id, stream, length, part]: CallerPartMessage | CalleePartMessage): Frame | undefined {
    const key = `${id}:${stream}`;
    const known = this.#messages.get(key);
    const message = known ?? { id, length, parts: [], done: 0, refused: false };
    message.done += part.length;
    if (message.length !== length || message.done > length || part.length === 0)
      throw badMessage("a part that does not fit");
    if (typeof part !== typeof (message.parts[0] ?? part)) throw badMessage("parts of two kinds");
    if (this.#messages.size > maxRefusedMessages) throw badMessage("too many large messages");
    if (message.done === length) this.#messages.delete(key);
    else this.#messages.set(key, message);
    if (known === undefined) this.#admit(message);
    if (message.refused) return undefined;
    message.parts.push(part);
    return message.done === length ? join(message.parts, length) : undefined;
  }

  /** Whether parts of a call's own message have come. */
  has(id: number): boolean {
    return this.#messages.has(`${id}:0`);
  }

  /** Nobody waits for what has come of a call, and of its streams. */
  drop(id: number): void {
    for (const [key, message] of this.#messages) if (message.id === id && !message.refused) this.#messages.delete(key);
  }

  /** The same where no more of it will come. */
  end(id: number): void {
    for (const [key, message] of this.#messages) if (message.id === id) this.#messages.delete(key);
  }

  #admit(message: Collected): void {
    const tooLarge = message.length > this.#maxLength;
    if (!tooLarge && this.#messages.size <= maxLargeMessages) return;
    message.refused = true;
    throw tooLarge
      ? new TautlineError({ code: "PAYLOAD_TOO_LARGE", message: `over ${this.#maxLength} bytes` })
      : new TautlineError({
          code: "TOO_MANY_REQUESTS",
          message: `at most ${maxLargeMessages} large messages at a time`,
        });
  }
}

function join(parts: readonly (string | Uint8Array)[], length: number): Frame {
  if (typeof parts[0] === "string") return `[${parts.join("")}]`;
  const frame = new Uint8Array(length);
  let end = 0;
  for (const part of parts as readonly Uint8Array[]) {
    frame.set(part, end);
    end += part.length;
  }
  return frame;
}
