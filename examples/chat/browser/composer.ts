import { find } from "@tautline/example-page/browser";
import { limits } from "../limits.ts";

interface ComposerEvents {
  readonly onSend: (text: string) => void;
  /** Text was put in or taken out; `text` is what there is now. */
  readonly onInput: (text: string) => void;
}

/** From this many letters left on, their number is shown. */
const warnBelow = 200;

/** Where messages are written. What was begun in one room waits there while another is looked at. */
export class Composer {
  readonly #form = find(".composer", HTMLFormElement);
  readonly #input = find("#draft", HTMLTextAreaElement);
  readonly #send = find(".send", HTMLButtonElement);
  readonly #count = find(".draft-count", HTMLElement);
  readonly #drafts = new Map<string, string>();
  readonly #events: ComposerEvents;
  #room = "";

  constructor(events: ComposerEvents) {
    this.#events = events;
    this.#input.maxLength = limits.messageLength;
    this.#input.addEventListener("input", () => this.#onInput());
    this.#input.addEventListener("keydown", (event) => this.#onKey(event));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  enter(room: string): void {
    this.#drafts.set(this.#room, this.#input.value);
    this.#room = room;
    this.#input.placeholder = `Write to ${room}`;
    this.#put(this.#drafts.get(room) ?? "");
    // On a touch screen this would bring up the keyboard over what one came to read.
    if (matchMedia("(pointer: fine)").matches) this.focus();
  }

  focus(): void {
    this.#input.focus();
  }

  #onKey(event: KeyboardEvent): void {
    // While composing (an accent, a Chinese word), Enter ends the composition.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #onInput(): void {
    this.#fit();
    this.#events.onInput(this.#input.value);
  }

  #submit(): void {
    const text = this.#input.value.trim();
    if (text === "") return;
    this.#put("");
    this.#input.focus();
    this.#events.onSend(text);
  }

  #put(text: string): void {
    this.#input.value = text;
    this.#fit();
  }

  /** As high as its text, up to the style sheet's `max-height`. */
  #fit(): void {
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight}px`;
    const left = limits.messageLength - this.#input.value.length;
    this.#count.textContent = left < warnBelow ? `${left} left` : "";
    this.#send.disabled = this.#input.value.trim() === "";
  }
}
