import type { Person } from "../api.ts";
import { limits } from "../limits.ts";
import { Live } from "./live.ts";

/** Who is typing in one room. Whoever gives no further sign of it for `typingMs` is taken off. */
export class Typing {
  readonly people: Live<Person[]> = new Live<Person[]>([]);
  readonly #timers = new Map<string, NodeJS.Timeout>();

  start(person: Person): void {
    const timer = this.#timers.get(person.id);
    if (!timer && this.#timers.size >= limits.people) return;
    clearTimeout(timer);
    this.#timers.set(person.id, setTimeout(() => this.stop(person.id), limits.typingMs).unref());
    if (!timer) this.people.set([...this.people.value, person]);
  }

  stop(id: string): void {
    const timer = this.#timers.get(id);
    if (!timer) return;
    clearTimeout(timer);
    this.#timers.delete(id);
    this.people.set(this.people.value.filter((person) => person.id !== id));
  }
}
