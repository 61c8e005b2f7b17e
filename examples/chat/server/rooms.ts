import { TRPCError } from "@trpc/server";
import { limits } from "../limits.ts";
import { Live } from "./live.ts";
import { Typing } from "./typing.ts";

export interface Room {
  readonly typing: Typing;
}

export class Rooms {
  readonly names: Live<string[]> = new Live<string[]>([]);
  readonly #rooms = new Map<string, Room>();

  constructor(names: readonly string[]) {
    for (const name of names) this.create(name);
  }

  create(name: string): void {
    if (this.#rooms.has(name)) throw new TRPCError({ code: "CONFLICT", message: `There is a room ${name} already` });
    if (this.#rooms.size >= limits.rooms) {
      throw new TRPCError({ code: "FORBIDDEN", message: `There are ${limits.rooms} rooms, and that is the most` });
    }
    this.#rooms.set(name, { typing: new Typing() });
    this.names.set([...this.#rooms.keys()]);
  }

  get(name: string): Room {
    const room = this.#rooms.get(name);
    if (!room) throw new TRPCError({ code: "NOT_FOUND", message: `There is no room ${name}` });
    return room;
  }
}
