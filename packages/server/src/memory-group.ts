import type { Deadline, Deadlines } from "@tautline/core/internals";

interface Member {
  readonly text: string;
  readonly until: number;
}

/** Members who are there until their time is over. */
export class MemoryGroup {
  readonly #host: { readonly deadlines: Deadlines; now(): number };
  readonly #onEmpty: () => void;
  readonly #members = new Map<string, Member>();
  #expiry: Deadline | undefined = undefined;

  /** @param onEmpty nobody is in it any more. */
  constructor(host: { readonly deadlines: Deadlines; now(): number }, onEmpty: () => void) {
    this.#host = host;
    this.#onEmpty = onEmpty;
  }

  get members(): ReadonlyMap<string, string> {
    const now = this.#host.now();
    const present = [...this.#members].filter(([, { until }]) => until > now);
    return new Map(present.map(([member, { text }]) => [member, text]));
  }

  lease(members: ReadonlyMap<string, string>, ttlMs: number): void {
    const until = this.#host.now() + ttlMs;
    for (const [member, text] of members) this.#members.set(member, { text, until });
    this.#expiry ??= this.#host.deadlines.add(ttlMs, () => this.#expire());
  }

  release(members: Iterable<string>): void {
    for (const member of members) this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#expiry?.cancel();
    this.#onEmpty();
  }

  /** One deadline for all: whose time is over meanwhile is no longer counted, and forgotten with it. */
  #expire(): void {
    const now = this.#host.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [member, { until }] of this.#members) {
      if (until <= now) this.#members.delete(member);
      else next = Math.min(next, until);
    }
    this.#expiry = undefined;
    if (this.#members.size === 0) this.#onEmpty();
    else this.#expiry = this.#host.deadlines.add(next - now, () => this.#expire());
  }
}
