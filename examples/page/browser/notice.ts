import { find } from "./page.ts";

/** One line above the rest that says what went wrong. */
export class Notice {
  readonly #element = find(".notice", HTMLElement);

  show(text: string): void {
    this.#element.textContent = text;
    this.#element.hidden = false;
  }

  hide(): void {
    this.#element.hidden = true;
  }
}
