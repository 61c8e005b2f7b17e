import type { Hub, Topic, TopicEvent, TopicSubscription } from "@tautline/server";
import { tracked } from "@trpc/server";
import type { z } from "zod";
import { Message, type Said } from "../api.ts";
import { limits } from "../limits.ts";

const Posted = Message.omit({ id: true });
type Posted = z.infer<typeof Posted>;

/** What is said in all rooms. Of each the newest messages are kept. */
export class Messages {
  readonly #posted: Topic<Posted, Posted, { id: string }, { id: string }>;

  constructor(hub: Hub) {
    this.#posted = hub.topic("messages", Posted, {
      history: { maxEvents: limits.history, maxAgeMs: Number.POSITIVE_INFINITY },
    });
  }

  /** A draft that is posted again is the message that it has become. */
  async post(room: string, posted: Posted): Promise<Message> {
    return toMessage(await this.#posted.publish(room, posted, { dedupeId: `${posted.from.id}/${posted.draft}` }));
  }

  /** All that is kept, and then each message as it is posted. Whoever has missed some that are gone gets all anew. */
  follow(room: string): TopicSubscription<Said, Said> {
    return this.#posted
      .subscribe(room, { snapshot: (at) => this.#all(room, at) })
      .map((data, { id }) => ({ all: false, messages: [{ ...data, id }] }));
  }

  async #all(room: string, at: string) {
    const events = await this.#posted.history(room, { limit: limits.history });
    return tracked(events.at(-1)?.id ?? at, { all: true, messages: events.map(toMessage) });
  }
}

function toMessage({ id, data }: TopicEvent<Posted>): Message {
  return { ...data, id };
}
