import { find, make } from "@tautline/example-page/browser";
import type { Person } from "../api.ts";

/** Says who else is typing. */
export class TypingLine {
  readonly #element = find(".typing", HTMLElement);
  readonly #me: Person;

  constructor(me: Person) {
    this.#me = me;
  }

  show(people: readonly Person[]): void {
    const names = people.filter(({ id }) => id !== this.#me.id).map(({ name }) => name);
    this.#element.replaceChildren();
    if (names.length > 0) this.#element.append(make("span", "typing-dots"), words(names));
  }
}

function words(names: readonly string[]): string {
  const [first, second] = names;
  if (names.length === 1) return `${first} is typing…`;
  if (names.length === 2) return `${first} and ${second} are typing…`;
  return `${first}, ${second} and others are typing…`;
}
