import { find, setIcon } from "@tautline/example-page/browser";
import { describeBytes } from "./byte-count.ts";
import type { Direction, Transfer, TransferState } from "./transfer.ts";

const stateWords: Readonly<Record<TransferState, Readonly<Record<Direction, string>>>> = {
  running: { up: "Uploading", down: "Downloading" },
  paused: { up: "Paused", down: "Paused" },
  done: { up: "Uploaded", down: "Downloaded" },
  cancelled: { up: "Cancelled", down: "Cancelled" },
  failed: { up: "Failed", down: "Failed" },
};

/** A transfer as the page shows it: how far it is, what can be done with it, and in the end both hashes. */
export class TransferView {
  readonly element: HTMLLIElement;
  readonly #transfer: Transfer;
  readonly #progress: HTMLProgressElement;
  readonly #state: HTMLElement;
  readonly #bytes: HTMLElement;
  readonly #pause: HTMLButtonElement;
  readonly #cancel: HTMLButtonElement;
  #saveUrl: string | undefined;

  constructor(transfer: Transfer, onDismiss: () => void) {
    const template = find("#transfer-template", HTMLTemplateElement).content;
    const element = find("li", HTMLLIElement, document.importNode(template, true));
    this.element = element;
    this.#transfer = transfer;
    this.#progress = find("progress", HTMLProgressElement, element);
    this.#state = find(".transfer-state", HTMLElement, element);
    this.#bytes = find(".transfer-bytes", HTMLElement, element);
    this.#pause = find(".transfer-pause", HTMLButtonElement, element);
    this.#cancel = find(".transfer-cancel", HTMLButtonElement, element);
    find(".transfer-name", HTMLElement, element).textContent = transfer.name;
    find(".transfer-icon use", SVGUseElement, element).setAttribute("href", `#icon-${transfer.direction}`);
    this.#progress.ariaLabel = transfer.name;
    this.#pause.addEventListener("click", () => (this.#isPaused ? transfer.resume() : transfer.pause()));
    this.#cancel.addEventListener("click", () => (this.#isOver ? this.#dismiss(onDismiss) : transfer.cancel()));
    transfer.onChange = () => this.#show();
    this.#show();
  }

  get #isPaused(): boolean {
    return this.#transfer.state === "paused";
  }

  get #isOver(): boolean {
    return this.#transfer.state !== "running" && !this.#isPaused;
  }

  #show(): void {
    const { state, direction, bytes, size, problem } = this.#transfer;
    this.element.dataset["state"] = state;
    this.#progress.value = size === 0 ? Number(state === "done") : bytes / size;
    this.#bytes.textContent = state === "done" ? describeBytes(size) : progressWords(bytes, size);
    this.#write(state === "failed" ? `Failed: ${problem}` : stateWords[state][direction]);
    this.#pause.hidden = this.#isOver;
    label(this.#pause, this.#isPaused ? "Resume" : "Pause", this.#transfer.name);
    setIcon(this.#pause, this.#isPaused ? "resume" : "pause");
    label(this.#cancel, this.#isOver ? "Dismiss" : "Cancel", this.#transfer.name);
    if (state === "done") this.#showOutcome();
  }

  /** Screen readers hear of the change alone. */
  #write(words: string): void {
    if (this.#state.textContent !== words) this.#state.textContent = words;
  }

  #showOutcome(): void {
    const { outcome, direction, name } = this.#transfer;
    if (outcome === undefined) return;
    const { here, there, blob } = outcome;
    const hashes = find(".hashes", HTMLElement, this.element);
    find(".hash-here-word", HTMLElement, hashes).textContent = direction === "up" ? "Sent" : "Received";
    find(".hash-here", HTMLElement, hashes).textContent = here;
    find(".hash-there", HTMLElement, hashes).textContent = there;
    find(".verdict", HTMLElement, hashes).textContent = here === there ? "Equal" : "Different";
    hashes.dataset["equal"] = String(here === there);
    hashes.hidden = false;
    if (blob !== undefined) this.#offer(blob, name);
  }

  #offer(blob: Blob, name: string): void {
    this.#saveUrl ??= URL.createObjectURL(blob);
    const save = find(".transfer-save", HTMLAnchorElement, this.element);
    save.href = this.#saveUrl;
    save.download = name;
    save.ariaLabel = `Save ${name}`;
    save.hidden = false;
  }

  #dismiss(onDismiss: () => void): void {
    if (this.#saveUrl !== undefined) URL.revokeObjectURL(this.#saveUrl);
    this.element.remove();
    onDismiss();
  }
}

function progressWords(bytes: number, size: number): string {
  return `${describeBytes(bytes)} of ${describeBytes(size)}`;
}

function label(button: HTMLButtonElement, action: string, name: string): void {
  button.ariaLabel = `${action} ${name}`;
  button.title = action;
}
