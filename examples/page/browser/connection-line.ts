import type { ClientConnection, ConnectionState } from "@tautline/client";
import { find } from "./page.ts";

type Status = ConnectionState["status"] | "offline";

/** The line between this page and the server: taut while there is a connection, slack while there is none. */
export class ConnectionLine {
  readonly #element = find(".line", HTMLElement);
  readonly #words = find(".line-words", HTMLElement);
  readonly #announcement = find(".line-announcement", HTMLElement);
  readonly #connection: ClientConnection;

  constructor(connection: ClientConnection) {
    this.#connection = connection;
    connection.subscribe(() => this.#show());
    addEventListener("online", () => this.#show());
    addEventListener("offline", () => this.#show());
    setInterval(() => this.#count(), 250);
    this.#show();
  }

  #show(): void {
    const status = statusOf(this.#connection.state);
    this.#element.dataset["status"] = status;
    this.#count();
    // Screen readers hear of the change, and not of every second.
    this.#announcement.textContent = words[status];
  }

  #count(): void {
    const text = wordsFor(this.#connection.state);
    if (this.#words.textContent !== text) this.#words.textContent = text;
  }
}

const words: Record<Status, string> = {
  idle: "Not connected",
  connecting: "Connecting…",
  online: "Online",
  reconnecting: "Reconnecting…",
  offline: "Offline",
  closed: "Disconnected",
};

/** What the browser knows of its network comes first: without one there is nothing to wait for. */
function statusOf(state: ConnectionState): Status {
  return state.status !== "online" && !navigator.onLine ? "offline" : state.status;
}

function wordsFor(state: ConnectionState): string {
  const status = statusOf(state);
  if (status === "offline" || state.status !== "reconnecting") return words[status];
  const seconds = Math.ceil((state.retryAt - Date.now()) / 1000);
  return seconds > 0 ? `Reconnecting in ${seconds} s…` : words.reconnecting;
}
