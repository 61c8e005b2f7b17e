import { find } from "@tautline/example-page/browser";

/** Where files are chosen, or dropped. */
export class DropZone {
  readonly #element = find(".drop-zone", HTMLElement);
  readonly #input = find("#file", HTMLInputElement);
  readonly #onFile: (file: File) => void;

  constructor(onFile: (file: File) => void) {
    this.#onFile = onFile;
    this.#input.addEventListener("change", () => this.#onChosen());
    this.#element.addEventListener("dragover", (event) => this.#onOver(event));
    this.#element.addEventListener("dragleave", () => this.#light(false));
    this.#element.addEventListener("drop", (event) => this.#onDrop(event));
  }

  #onChosen(): void {
    this.#take(this.#input.files);
    // The same file may be chosen again.
    this.#input.value = "";
  }

  #onOver(event: DragEvent): void {
    event.preventDefault();
    this.#light(true);
  }

  #onDrop(event: DragEvent): void {
    event.preventDefault();
    this.#light(false);
    this.#take(event.dataTransfer?.files ?? null);
  }

  #take(files: FileList | null): void {
    for (const file of files ?? []) this.#onFile(file);
  }

  #light(on: boolean): void {
    this.#element.classList.toggle("lit", on);
  }
}
