import type { Deadline, Deadlines } from "@tautline/core/internals";

/** What has to be said again now and then. */
export interface Renewed {
  renew(): void;
}

/** Renews leases, all in one beat, three times before they run out. */
export class Renewals {
  readonly leaseMs: number;
  readonly #deadlines: Deadlines;
  readonly #renewed = new Set<Renewed>();
  #beat: Deadline | undefined = undefined;

  constructor(deadlines: Deadlines, leaseMs: number) {
    this.#deadlines = deadlines;
    this.leaseMs = leaseMs;
  }

  add(renewed: Renewed): void {
    this.#renewed.add(renewed);
    this.#beat ??= this.#deadlines.add(this.leaseMs / 3, () => this.#onBeat());
  }

  delete(renewed: Renewed): void {
    this.#renewed.delete(renewed);
    if (this.#renewed.size > 0) return;
    this.#beat?.cancel();
    this.#beat = undefined;
  }

  #onBeat(): void {
    this.#beat = this.#deadlines.add(this.leaseMs / 3, () => this.#onBeat());
    for (const renewed of this.#renewed) renewed.renew();
  }
}
