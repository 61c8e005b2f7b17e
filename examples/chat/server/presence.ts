import type { Online, Person } from "../api.ts";
import { limits } from "../limits.ts";
import { Live } from "./live.ts";

/**
 * Counts pages by their one `online` subscription. It is there as long as the page's session: one whose connection broke is
 * expected back, and counted.
 */
export class Presence {
  readonly #joined = new Set<{ person: Person }>();
  readonly #online = new Live<Online>({ connections: 0, people: [] });

  async *join(person: Person, signal?: AbortSignal): AsyncGenerator<Online, void> {
    const entry = { person };
    this.#joined.add(entry);
    this.#publish();
    try {
      yield* this.#online.watch(signal);
    } finally {
      this.#joined.delete(entry);
      this.#publish();
    }
  }

  #publish(): void {
    const byId = new Map([...this.#joined].map(({ person }) => [person.id, person]));
    const people = [...byId.values()].slice(0, limits.people);
    this.#online.set({ connections: this.#joined.size, people });
  }
}
