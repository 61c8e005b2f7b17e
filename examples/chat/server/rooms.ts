import type { Hub, Topic } from "@tautline/server";
import { TRPCError, tracked } from "@trpc/server";
import { z } from "zod";
import { Person, RoomName } from "../api.ts";
import { limits } from "../limits.ts";
import { Live } from "./live.ts";
import { Typing } from "./typing.ts";

const TypingSign = z.object({ room: RoomName, person: Person, typing: z.boolean() });
type TypingSign = z.infer<typeof TypingSign>;

/** The rooms, and who is typing in them: what each node has heard of on all nodes. */
export class Rooms {
  readonly names: Live<string[]> = new Live<string[]>([]);
  readonly #rooms = new Map<string, Typing>();
  readonly #created: Topic<string, string, { id: string }, { id: string }>;
  readonly #typing: Topic<TypingSign, TypingSign, { id: string }, { id: string }>;

  constructor(hub: Hub, names: readonly string[]) {
    const forGood = { maxAgeMs: Number.POSITIVE_INFINITY };
    this.#created = hub.topic("rooms", RoomName, { history: forGood });
    this.#typing = hub.topic("typing", TypingSign, { history: false });
    for (const name of names) this.#add(name);
    // Until the hub is closed, which ends them.
    this.#followCreated().catch(() => {});
    this.#followTyping().catch(() => {});
  }

  async create(name: string): Promise<void> {
    if (this.#rooms.has(name)) throw new TRPCError({ code: "CONFLICT", message: `There is a room ${name} already` });
    if (this.#rooms.size >= limits.rooms) {
      throw new TRPCError({ code: "FORBIDDEN", message: `There are ${limits.rooms} rooms, and that is the most` });
    }
    await this.#created.publish("all", name);
    // Its creator enters it at once, perhaps before this node has heard of it.
    this.#add(name);
  }

  /** Who is typing in a room. */
  typing(name: string): Live<Person[]> {
    return this.#get(name).people;
  }

  async setTyping(room: string, person: Person, typing: boolean): Promise<void> {
    this.#get(room);
    await this.#typing.publish("all", { room, person, typing });
  }

  /** Fails where there is no such room. */
  check(name: string): void {
    this.#get(name);
  }

  #get(name: string): Typing {
    const room = this.#rooms.get(name);
    if (!room) throw new TRPCError({ code: "NOT_FOUND", message: `There is no room ${name}` });
    return room;
  }

  #add(name: string): void {
    if (this.#rooms.has(name)) return;
    this.#rooms.set(name, new Typing());
    this.names.set([...this.#rooms.keys()]);
  }

  async #followCreated(): Promise<void> {
    const created = this.#created.subscribe("all", { snapshot: (at) => this.#allCreated(at) }).map((name) => [name]);
    for await (const [, names] of created) for (const name of names) this.#add(name);
  }

  async #allCreated(at: string) {
    const events = await this.#created.history("all", { limit: limits.rooms });
    return tracked(
      events.at(-1)?.id ?? at,
      events.map(({ data }) => data),
    );
  }

  async #followTyping(): Promise<void> {
    for await (const [, { room, person, typing }] of this.#typing.subscribe("all")) {
      if (typing) this.#rooms.get(room)?.start(person);
      else this.#rooms.get(room)?.stop(person.id);
    }
  }
}
