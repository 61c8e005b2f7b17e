import { randomBytes } from "node:crypto";
import { type TrackedEnvelope, tracked } from "@trpc/server";
import type { Message } from "../api.ts";
import { limits } from "../limits.ts";
import { Bell } from "./bell.ts";

type Draft = Pick<Message, "from" | "text" | "draft">;

/**
 * The messages of one room, newest last, at most `capacity` of them.
 *
 * Ids are `<log>-<number>`, numbered from 1. A follower keeps only the number of the next message it wants, so a
 * slow one costs no memory: what has left the log when it gets there is skipped. An id from another log (the server
 * was restarted) counts as nothing seen.
 */
export class RoomLog {
  readonly #prefix = `${randomBytes(6).toString("base64url")}-`;
  readonly #capacity: number;
  readonly #messages: Message[] = [];
  readonly #bell = new Bell();
  #last = 0;

  constructor(capacity: number = limits.history) {
    this.#capacity = capacity;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  get lastEventId(): string {
    return this.#id(this.#last);
  }

  /** A draft that is posted again is the message that it has become. */
  post(draft: Draft): Message {
    const posted = this.#messages.find((message) => message.draft === draft.draft && message.from.id === draft.from.id);
    if (posted) return posted;
    this.#last += 1;
    const message = { ...draft, id: this.#id(this.#last), at: new Date() };
    this.#messages.push(message);
    if (this.#messages.length > this.#capacity) this.#messages.shift();
    this.#bell.ring();
    return message;
  }

  /**
   * Each message after `lastEventId`, those to come included, until `signal` is aborted. Without an id: those to come.
   */
  follow(lastEventId?: string | null, signal?: AbortSignal): AsyncGenerator<TrackedEnvelope<Message>, void> {
    return this.#follow(typeof lastEventId === "string" ? this.#number(lastEventId) : this.#last, signal);
  }

  async *#follow(seen: number, signal?: AbortSignal): AsyncGenerator<TrackedEnvelope<Message>, void> {
    while (!signal?.aborted) {
      const oldest = this.#last - this.#messages.length + 1;
      const message = this.#messages[Math.max(seen + 1, oldest) - oldest];
      if (message) {
        seen = this.#number(message.id);
        yield tracked(message.id, message);
      } else {
        await this.#bell.rung(signal);
      }
    }
  }

  #id(number: number): string {
    return this.#prefix + number;
  }

  #number(id: string): number {
    const number = id.startsWith(this.#prefix) ? Number(id.slice(this.#prefix.length)) : 0;
    return Number.isSafeInteger(number) && number >= 0 && number <= this.#last ? number : 0;
  }
}
