import { Bell } from "./bell.ts";

/** A value that can be watched. A slow watcher skips to the newest value, so nothing is ever queued for it. */
export class Live<T> {
  readonly #bell = new Bell();
  #value: T;
  #version = 0;

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    this.#version += 1;
    this.#bell.ring();
  }

  /** The value now, then each newer one, until `signal` is aborted. */
  async *watch(signal?: AbortSignal): AsyncGenerator<T, void> {
    let seen = -1;
    while (!signal?.aborted) {
      if (seen === this.#version) {
        await this.#bell.rung(signal);
      } else {
        seen = this.#version;
        yield this.#value;
      }
    }
  }
}
