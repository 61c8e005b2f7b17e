import { find } from "@tautline/example-page/browser";
import type { Outcome, Transfer } from "./transfer.ts";
import { TransferView } from "./transfer-view.ts";

/** What is on its way, and what was: newest first. */
export class TransferList {
  readonly #section = find(".transfers", HTMLElement);
  readonly #list = find(".transfer-list", HTMLUListElement);

  /** Resolves when it is over, however it went. */
  async run(transfer: Transfer, move: (transfer: Transfer) => Promise<Outcome>): Promise<void> {
    const { element } = new TransferView(transfer, () => this.#show());
    this.#list.prepend(element);
    this.#show();
    await transfer.run(() => move(transfer));
  }

  #show(): void {
    this.#section.hidden = this.#list.childElementCount === 0;
  }
}
