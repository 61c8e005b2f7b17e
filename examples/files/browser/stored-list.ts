import { find } from "@tautline/example-page/browser";
import type { StoredFile } from "../api.ts";
import { describeBytes } from "./byte-count.ts";

interface StoredEvents {
  readonly onDownload: (file: StoredFile) => void;
  readonly onRemove: (file: StoredFile) => void;
}

const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** The files that the server has, newest first. */
export class StoredList {
  readonly #list = find(".stored-list", HTMLUListElement);
  readonly #empty = find(".stored-empty", HTMLElement);
  readonly #events: StoredEvents;

  constructor(events: StoredEvents) {
    this.#events = events;
  }

  show(files: readonly StoredFile[]): void {
    this.#list.replaceChildren(...files.map((file) => this.#create(file)));
    this.#empty.hidden = files.length > 0;
  }

  #create(file: StoredFile): HTMLElement {
    const template = find("#stored-template", HTMLTemplateElement).content;
    const element = find("li", HTMLLIElement, document.importNode(template, true));
    find(".stored-name", HTMLElement, element).textContent = file.name;
    find(".stored-size", HTMLElement, element).textContent = describeBytes(file.size);
    const when = find("time", HTMLTimeElement, element);
    when.textContent = time.format(file.at);
    when.dateTime = file.at.toISOString();
    find(".stored-hash", HTMLElement, element).textContent = file.sha256;
    const download = find(".stored-download", HTMLButtonElement, element);
    download.ariaLabel = `Download ${file.name}`;
    download.addEventListener("click", () => this.#events.onDownload(file));
    const remove = find(".stored-remove", HTMLButtonElement, element);
    remove.ariaLabel = `Remove ${file.name}`;
    remove.addEventListener("click", () => this.#events.onRemove(file));
    return element;
  }
}
