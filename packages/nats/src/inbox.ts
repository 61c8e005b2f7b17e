import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import type { Clock, Deadline, Deadlines } from "@tautline/core/internals";

/** Waits for what comes to a subject of its own. */
export interface ReplyHandler {
  onReply(message: Msg): void;
  /** There will be no answer any more, or it has taken too long. */
  onLost(): void;
}

interface Expected {
  readonly handler: ReplyHandler;
  readonly until: number;
}

export interface InboxOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly answerMs: number;
  readonly inboxPrefix: string | undefined;
}

/** Takes the answers to whatever a connection asks: one subscription and one deadline for all. */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #prefix: string;
  readonly #subscription: Subscription;
  /** By subject, in the order in which their time is over. */
  readonly #expected = new Map<string, Expected>();
  #count = 0;
  #deadline: Deadline | undefined = undefined;

  constructor(connection: NatsConnection, options: InboxOptions) {
    this.#options = options;
    this.#prefix = `${createInbox(options.inboxPrefix)}.`;
    this.#subscription = connection.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#expected.get(message.subject)?.handler.onReply(message);
      },
    });
  }

  /** Gives the subject to answer to. The handler hears until it is forgotten, or its time is over. */
  expect(handler: ReplyHandler): string {
    const { clock, answerMs } = this.#options;
    const reply = this.#prefix + (this.#count++).toString(36);
    this.#expected.set(reply, { handler, until: clock.now() + answerMs });
    this.#wait();
    return reply;
  }

  forget(reply: string): void {
    this.#expected.delete(reply);
  }

  close(): void {
    this.#deadline?.cancel();
    this.#subscription.unsubscribe();
    const lost = [...this.#expected.values()];
    this.#expected.clear();
    for (const { handler } of lost) handler.onLost();
  }

  /** All wait equally long: the first is the first whose time is over. */
  #wait(): void {
    if (this.#deadline !== undefined) return;
    const [first] = this.#expected.values();
    if (first === undefined) return;
    this.#deadline = this.#options.deadlines.add(first.until - this.#options.clock.now(), () => {
      this.#deadline = undefined;
      this.#expire();
      this.#wait();
    });
  }

  #expire(): void {
    const now = this.#options.clock.now();
    for (const [reply, { handler, until }] of this.#expected) {
      if (until > now) return;
      this.#expected.delete(reply);
      handler.onLost();
    }
  }
}
