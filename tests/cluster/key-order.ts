/** The events of a key that are known to be stored, in the order that those who got them agree on. */
export class KeyOrder {
  readonly events: string[] = [];
  readonly violations: string[] = [];
  readonly #key: string;
  readonly #published = new Map<string, number>();
  readonly #stored = new Map<string, number>();
  readonly #places = new Map<string, number>();
  /** Which events came right after which, for somebody. */
  readonly #next = new Map<string, Set<string>>();
  readonly #newest = new Map<string, string>();

  constructor(key: string) {
    this.#key = key;
  }

  onPublished(event: string, at: number): void {
    // Where it is published again, by a mutation that is idempotent, the first time counts.
    if (!this.#published.has(event)) this.#published.set(event, at);
  }

  /** Its publisher knows that it is stored. */
  onStored(event: string, at: number): void {
    if (!this.#stored.has(event)) this.#stored.set(event, at);
  }

  onGot(event: string, subscription: string): void {
    if (!this.#published.has(event)) this.violations.push(`${this.#key}: ${event}, which nobody has published`);
    const before = this.#newest.get(subscription);
    if (before !== undefined && before !== event) this.#nextOf(before).add(event);
    this.#nextOf(event);
    this.#newest.set(subscription, event);
  }

  publishedAt(event: string): number {
    return this.#published.get(event) ?? Number.NEGATIVE_INFINITY;
  }

  indexOf(event: string): number {
    return this.#places.get(event) ?? -1;
  }

  /** How many come after a place and were published by then. */
  countAfter(index: number, at: number): number {
    return this.events.slice(index + 1).filter((event) => this.publishedAt(event) < at).length;
  }

  /** Where nobody's log tells which of two came first, their times do; where logs contradict each other, some subscriber will show it. */
  sort(): void {
    const waitsFor = new Map([...this.#stored.keys(), ...this.#next.keys()].map((event) => [event, 0]));
    for (const later of this.#next.values())
      for (const event of later) waitsFor.set(event, (waitsFor.get(event) ?? 0) + 1);
    const left = [...waitsFor.keys()].toSorted((a, b) => this.publishedAt(a) - this.publishedAt(b));
    while (left.length > 0) {
      const free = left.findIndex((event) => waitsFor.get(event) === 0);
      const [event = ""] = left.splice(Math.max(0, free), 1);
      this.#places.set(event, this.events.push(event) - 1);
      for (const later of this.#nextOf(event)) waitsFor.set(later, (waitsFor.get(later) ?? 0) - 1);
    }
    this.#compareWithTimes();
  }

  /** What is published when another is known to be stored comes after it. */
  #compareWithTimes(): void {
    let newest = Number.NEGATIVE_INFINITY;
    let which = "";
    for (const event of this.events) {
      const stored = this.#stored.get(event) ?? Number.POSITIVE_INFINITY;
      if (stored < newest) this.violations.push(`${this.#key}: ${event} after ${which}, which was published later`);
      if (this.publishedAt(event) > newest) [newest, which] = [this.publishedAt(event), event];
    }
  }

  #nextOf(event: string): Set<string> {
    const next = this.#next.get(event) ?? new Set();
    this.#next.set(event, next);
    return next;
  }
}
