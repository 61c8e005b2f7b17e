import { find } from "@tautline/example-page/browser";

/** The list of rooms and people. On a narrow screen it is a drawer over the conversation; Escape closes it. */
export class Sidebar {
  readonly #app = find(".app", HTMLElement);
  readonly #conversation = find(".conversation", HTMLElement);
  readonly #openButton = find(".sidebar-open", HTMLButtonElement);
  readonly #closeButton = find(".sidebar-close", HTMLButtonElement);

  constructor() {
    this.#openButton.addEventListener("click", () => this.#open());
    this.#closeButton.addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    // What is inert takes no clicks, so those beside the drawer arrive here.
    this.#app.addEventListener("click", (event) => {
      if (event.target === this.#app) this.close();
    });
    matchMedia("(width > 760px)").addEventListener("change", () => this.close());
  }

  #open(): void {
    this.#set(true);
    this.#closeButton.focus();
  }

  close(): void {
    if (!this.#app.classList.contains("with-sidebar")) return;
    this.#set(false);
    this.#openButton.focus();
  }

  #set(open: boolean): void {
    this.#app.classList.toggle("with-sidebar", open);
    this.#openButton.ariaExpanded = String(open);
    this.#conversation.inert = open;
  }
}
