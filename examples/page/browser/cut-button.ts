import type { ClientConnection } from "@tautline/client";
import type { Hold } from "./hold.ts";
import { find } from "./page.ts";

/** Less than the client waits for a connection, so that it only ever waits. */
const cutMs = 8_000;

/** Breaks the connection, and for some seconds keeps it broken: there is time to see what waits. */
export class CutButton {
  readonly #button = find(".cut-button", HTMLButtonElement);
  readonly #word = find(".cut-word", HTMLElement);
  readonly #connection: ClientConnection;
  readonly #hold: Hold;
  readonly #cutNow: () => Promise<void>;

  /** @param cutNow asks the server to destroy the socket. */
  constructor(connection: ClientConnection, hold: Hold, cutNow: () => Promise<void>) {
    this.#connection = connection;
    this.#hold = hold;
    this.#cutNow = cutNow;
    this.#button.addEventListener("click", () => this.#onClick());
    connection.subscribe(() => this.#show());
    setInterval(() => this.#show(), 250);
    this.#show();
  }

  #onClick(): void {
    if (this.#hold.leftMs > 0) this.#hold.release();
    else this.#cut();
    this.#show();
  }

  #cut(): void {
    this.#hold.start(cutMs);
    // The server destroys the socket before it answers: the answer comes over the next one.
    this.#cutNow().catch(() => {});
  }

  #show(): void {
    const seconds = Math.ceil(this.#hold.leftMs / 1000);
    const text = seconds > 0 ? `Mend it (${seconds} s)` : "Cut the connection";
    if (this.#word.textContent !== text) this.#word.textContent = text;
    this.#button.disabled = seconds === 0 && this.#connection.state.status !== "online";
  }
}
