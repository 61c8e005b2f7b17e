import type { LeaseTable } from "./lease-table.ts";
import { randomId } from "./random-id.ts";

/** The group of nodes that live. */
const nodes = "nodes of mutations";
/** How often a lease is renewed in its time; a node that was not seen so often in a row is dead. */
const renewals = 3;

/** Shows the other nodes that this one lives. */
export class NodeLease {
  readonly node: string = randomId();
  /** So often it is to be renewed, in ms. */
  readonly renewalMs: number;
  readonly #leases: LeaseTable;
  readonly #leaseMs: number;
  readonly #now: () => number;
  #leased: Promise<void> = Promise.resolve();
  #leasedAt = Number.NEGATIVE_INFINITY;

  constructor(leases: LeaseTable, leaseMs: number, now: () => number) {
    this.#leases = leases;
    this.#leaseMs = leaseMs;
    this.renewalMs = leaseMs / renewals;
    this.#now = now;
  }

  /** Shows it, unless it just was. */
  async hold(): Promise<void> {
    if (this.#now() - this.#leasedAt >= this.renewalMs) {
      this.#leasedAt = this.#now();
      this.#leased = this.#leases.lease(nodes, new Map([[this.node, ""]]), this.#leaseMs);
    }
    await this.#leased.catch((error: unknown) => {
      this.forget();
      throw error;
    });
  }

  /** What was shown may be gone. */
  forget(): void {
    this.#leasedAt = Number.NEGATIVE_INFINITY;
  }

  /** Whether a node shows that it lives. */
  async isHeldBy(node: string): Promise<boolean> {
    return (await this.#leases.members(nodes)).has(node);
  }

  async release(): Promise<void> {
    await this.#leases.release(nodes, [this.node]);
  }
}
