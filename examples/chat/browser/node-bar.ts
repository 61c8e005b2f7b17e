import { find } from "@tautline/example-page/browser";

/** Where the chat is served by several nodes: which of them serves this page, and what has come through. */
export class NodeBar {
  readonly #element = find(".node-bar", HTMLElement);
  readonly #name = find(".node-name", HTMLElement);
  readonly #tally = find(".node-tally", HTMLElement);
  readonly #button = find(".kill-button", HTMLButtonElement);
  #received = 0;
  #gaps = 0;
  #moves = -1;

  /** @param kill has the node die. */
  constructor(kill: () => Promise<void>) {
    // Whether it has died shows by itself.
    this.#button.addEventListener("click", () => void kill().catch(() => {}));
  }

  /** @param name "" where there is only one. */
  show(name: string): void {
    this.#element.hidden = name === "";
    this.#name.textContent = `Served by ${name}`;
    this.#button.textContent = `Kill ${name}`;
    this.#moves++;
    this.#count();
  }

  onReceived(messages: number): void {
    this.#received += messages;
    this.#count();
  }

  onGap(): void {
    this.#gaps++;
    this.#count();
  }

  #count(): void {
    this.#tally.textContent = `${this.#received} received, ${this.#gaps} missed, ${this.#moves} moves`;
  }
}
