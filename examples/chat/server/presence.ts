import { randomUUID } from "node:crypto";
import type { Hub, PresenceChange, Topic } from "@tautline/server";
import { z } from "zod";
import { type Online, Person } from "../api.ts";
import { limits } from "../limits.ts";

const Page = z.object({ id: z.string(), person: Person });
type Page = z.infer<typeof Page>;

/**
 * Counts pages by their one `online` subscription, on all nodes. It is there as long as the page's session: one whose connection broke
 * is expected back, and counted.
 */
export class Presence {
  readonly #pages: Topic<never, never, Page, Page>;

  constructor(hub: Hub) {
    this.#pages = hub.topic("pages", z.never(), { history: false, member: Page });
  }

  async *join(person: Person, signal?: AbortSignal): AsyncGenerator<Online, void> {
    const page = { id: randomUUID(), person };
    for await (const change of this.#pages.presence("all", { as: page, signal })) yield onlineOf(change);
  }
}

function onlineOf({ members }: PresenceChange<Page>): Online {
  const byId = new Map(members.map(({ person }) => [person.id, person]));
  return { connections: members.length, people: [...byId.values()].slice(0, limits.people) };
}
