import { limits } from "../limits.ts";

/** Tells the server that somebody types: when it begins, again and again while it goes on, and when it ends. */
export class TypingSignal {
  readonly #tell: (typing: boolean) => void;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(tell: (typing: boolean) => void) {
    this.#tell = tell;
  }

  typing(): void {
    const now = performance.now();
    if (now - this.#toldAt < limits.typingMs / 2) return;
    this.#toldAt = now;
    this.#tell(true);
  }

  stopped(): void {
    if (!this.#isTyping()) return;
    this.reset();
    this.#tell(false);
  }

  /** The message was sent: the server knows that its writer is done. */
  reset(): void {
    this.#toldAt = Number.NEGATIVE_INFINITY;
  }

  #isTyping(): boolean {
    return Number.isFinite(this.#toldAt);
  }
}
