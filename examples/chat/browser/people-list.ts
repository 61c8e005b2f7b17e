import { find, make } from "@tautline/example-page/browser";
import type { Online, Person } from "../api.ts";
import { createAvatar } from "./avatar.ts";

/** Who is here, and over how many connections. */
export class PeopleList {
  readonly #list = find(".people-list", HTMLUListElement);
  readonly #count = find(".connections-count", HTMLOutputElement);
  readonly #me: Person;

  constructor(me: Person) {
    this.#me = me;
  }

  show({ connections, people }: Online): void {
    this.#count.textContent = String(connections);
    const others = people.filter(({ id }) => id !== this.#me.id).sort((a, b) => a.name.localeCompare(b.name));
    this.#list.replaceChildren(this.#item(this.#me, "you"), ...others.map((person) => this.#item(person)));
  }

  #item(person: Person, note = ""): HTMLLIElement {
    const item = make("li", "person");
    item.append(createAvatar(person), make("span", "person-name", person.name), make("span", "person-note", note));
    return item;
  }
}
