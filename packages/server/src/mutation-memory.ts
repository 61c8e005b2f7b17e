import { createHash } from "node:crypto";
import type { CallFields, Clock, IncomingCall } from "@tautline/core/internals";
import type { IdempotencyStore } from "./idempotency.ts";
import { outcomeUnknown } from "./outcome-unknown.ts";

/** Whose mutation it is, and in which session it has come. */
export interface MutationOrigin {
  /** Undefined for a client without a name: nothing of it is remembered. */
  readonly client?: string | undefined;
  /** When the session's first connection was opened, by the server's clock, in ms. */
  readonly openedAt?: number | undefined;
}

/** What is done for a mutation. */
export interface MutationRun {
  readonly run: () => void;
  /** Hears why an outcome was not taken. */
  readonly onUntold: (error: unknown) => void;
}

/** No store has this name: under it one is asked, and nothing is claimed. */
const noStore = "none";

/** Runs mutations once, however often they are sent: asks the store of their outcomes, where there is one. */
export class MutationMemory {
  readonly #store: IdempotencyStore | undefined;
  readonly #clock: Pick<Clock, "now">;

  constructor(store: IdempotencyStore | undefined, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * What a client is told of the store: another text from when that has lost what it knew, and for whoever else, as nobody is answered
   * for another's mutations. Undefined where nothing is remembered.
   */
  nameFor(client: string | undefined): string | undefined {
    const name = this.#store?.name;
    if (name === undefined || client === undefined) return undefined;
    const named = JSON.stringify([name, client]);
    return createHash("sha256").update(named).digest("base64url");
  }

  /** Whether a mutation may have run, or is to be remembered. */
  concerns({ fields }: IncomingCall, { client }: MutationOrigin): boolean {
    return fields.firstId !== undefined || (this.#store !== undefined && client !== undefined);
  }

  /**
   * Runs a mutation where nobody has yet, and answers it with what the store knows where somebody has.
   *
   * @returns rejects where it is neither run nor answered, as the store does, or where what it came to cannot be sent here.
   */
  async runOnce(call: IncomingCall, origin: MutationOrigin, { run, onUntold }: MutationRun): Promise<void> {
    const store = this.#store;
    const { client } = origin;
    if (store === undefined || client === undefined) throw outcomeUnknown();
    const { fields, id } = call;
    const key = `${client}:${fields.firstId ?? id}`;
    const outcome = await store.claim(key, this.#claimedUnder(store, fields, origin));
    if (outcome === undefined) {
      // Also when its caller is gone: it may ask again.
      call.keepRunning((own) => void store.settle(key, own).catch(onUntold));
      run();
    } else if (outcome.ok) call.sendResult(outcome.value);
    else call.sendError(outcome.shape);
  }

  /** The name under which the store may take it for one that has not run; undefined for one that is sent first. */
  #claimedUnder(
    store: IdempotencyStore,
    fields: CallFields,
    { client, openedAt = 0 }: MutationOrigin,
  ): string | undefined {
    const { firstId, store: lostUnder, ageMs = Number.POSITIVE_INFINITY } = fields;
    if (firstId === undefined) return undefined;
    const { name, keepMs = Number.POSITIVE_INFINITY } = store;
    if (lostUnder === undefined || lostUnder !== this.nameFor(client)) return noStore;
    // It was not written before there was a session to write it to. Half: for clocks that are put right.
    const mostMs = ageMs + this.#clock.now() - openedAt;
    return mostMs > keepMs / 2 ? noStore : name;
  }
}
