import { TautlineError } from "@tautline/core";
import { find, make } from "@tautline/example-page/browser";
import { RoomName } from "../api.ts";
import { limits } from "../limits.ts";

interface RoomListEvents {
  /** Makes a room on the server. */
  readonly onCreate: (room: string) => Promise<void>;
}

/** The rooms as links to `#room`, and the form that makes another one. */
export class RoomList {
  readonly #list = find(".room-list", HTMLUListElement);
  readonly #form = find(".room-form", HTMLFormElement);
  readonly #input = find("#room-name", HTMLInputElement);
  readonly #error = find("#room-error", HTMLElement);
  readonly #onCreate: RoomListEvents["onCreate"];
  #rooms: readonly string[] = [];
  #current = "";

  constructor({ onCreate }: RoomListEvents) {
    this.#onCreate = onCreate;
    this.#input.maxLength = limits.roomNameLength;
    this.#input.addEventListener("input", () => this.#complain(""));
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#form.reset();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#create(roomNameFrom(this.#input.value));
    });
  }

  show(rooms: readonly string[]): void {
    this.#rooms = rooms;
    this.#render();
  }

  mark(current: string): void {
    this.#current = current;
    this.#render();
  }

  #render(): void {
    const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.hash : undefined;
    this.#list.replaceChildren(...this.#rooms.map((room) => this.#item(room)));
    for (const link of this.#list.querySelectorAll("a")) if (link.hash === focused) link.focus();
  }

  #item(room: string): HTMLLIElement {
    const link = make("a", "room-link", room);
    link.href = `#${encodeURIComponent(room)}`;
    if (room === this.#current) link.ariaCurrent = "page";
    const item = make("li", "room");
    item.append(link);
    return item;
  }

  async #create(room: string): Promise<void> {
    if (!RoomName.safeParse(room).success) return this.#complain("Letters and digits, please");
    try {
      if (!this.#rooms.includes(room)) await this.#onCreate(room);
      this.#form.reset();
      location.hash = encodeURIComponent(room);
    } catch (error) {
      this.#complain(TautlineError.from(error).message);
    }
  }

  #complain(text: string): void {
    this.#error.textContent = text;
    this.#input.ariaInvalid = String(text !== "");
  }
}

/** What somebody typed, as near as it comes to the name of a room. */
function roomNameFrom(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{Ll}\p{Lo}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
}
