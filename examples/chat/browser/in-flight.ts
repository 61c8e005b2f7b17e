import { find } from "@tautline/example-page/browser";

/** Says how many of one's own messages are on their way, in whatever room; shown while there is no connection. */
export class InFlight {
  readonly #element = find(".in-flight", HTMLElement);

  show(count: number): void {
    this.#element.textContent = words(count);
  }
}

function words(count: number): string {
  if (count === 0) return "";
  return count === 1 ? "1 message waits" : `${count} messages wait`;
}
