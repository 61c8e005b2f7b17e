import type { Clock, IncomingCall } from "@tautline/core/internals";
import type { CallScope } from "./call-scope.ts";
import type { TopicItem } from "./feed-entry.ts";
import { Gap } from "./gap.ts";
import type { ReadReceiver, ReadStart } from "./read-plan.ts";
import { isThenable } from "./thenable.ts";
import type { TopicReader } from "./topic-reader.ts";
import type { TopicSubscription } from "./topic-subscription.ts";

/** What a server's pumps share. */
export interface TopicPumpHost {
  readonly clock: Pick<Clock, "turn">;
  /** What it throws ends the call. */
  sendEvent(id: string, data: unknown, showsId: boolean, call: IncomingCall): void;
  sendGap(gap: Gap, call: IncomingCall): void;
  fail(call: IncomingCall, thrown: unknown, scope: CallScope): void;
}

/** After so many items the rest of the process gets its turn: a log that is caught up with has always one more. */
const itemsPerTurn = 128;

/** Moves a topic's events to a call, no faster than they are taken; one that waits costs no promise and no timer. */
export class TopicPump implements ReadReceiver {
  readonly #host: TopicPumpHost;
  readonly #call: IncomingCall;
  readonly #scope: CallScope;
  readonly #showsIds: boolean;
  #reader: TopicReader | undefined = undefined;
  /** Whether it will go on by itself. */
  #busy = false;
  #items = 0;

  constructor(host: TopicPumpHost, call: IncomingCall, scope: CallScope, showsIds: boolean) {
    this.#host = host;
    this.#call = call;
    this.#scope = scope;
    this.#showsIds = showsIds;
  }

  start(subscription: TopicSubscription<unknown, unknown>): void {
    const call = this.#call;
    if (call.settled) return;
    const reader = subscription.read(this, call.fields.lastEventId);
    this.#reader = reader;
    call.onAborted = () => reader.close();
    reader.open();
  }

  onStarted(_start: ReadStart): void {
    this.#call.sendStarted();
  }

  onReady(): void {
    if (!this.#busy) this.#drain();
  }

  onEnded(error: unknown): void {
    this.#host.fail(this.#call, error, this.#scope);
  }

  /** Nothing is thrown here: nobody would take it. */
  #drain(): void {
    try {
      for (let wait = this.#wait(); !this.#call.settled; wait = this.#wait()) {
        if (wait !== undefined) return this.#goOnAfter(wait);
        const next = this.#reader?.take();
        if (next === undefined) return;
        if (next instanceof Gap) this.#host.sendGap(next, this.#call);
        else if (isThenable(next.data)) return this.#sendLater(next.id, next.data);
        else this.#send(next);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #send({ id, data }: TopicItem): void {
    this.#items++;
    this.#host.sendEvent(id, data, this.#showsIds, this.#call);
  }

  #sendLater(id: string, data: PromiseLike<unknown>): void {
    this.#goOnAfter(data.then((settled) => this.#send({ id, data: settled })));
  }

  #goOnAfter(wait: PromiseLike<unknown>): void {
    this.#busy = true;
    const goOn = (): void => {
      this.#busy = false;
      this.#drain();
    };
    wait.then(goOn, (error: unknown) => this.#fail(error));
  }

  #wait(): Promise<void> | undefined {
    const wait = this.#call.ready();
    if (wait !== undefined || this.#items < itemsPerTurn) return wait;
    this.#items = 0;
    return this.#host.clock.turn();
  }

  #fail(error: unknown): void {
    this.#reader?.close();
    this.#host.fail(this.#call, error, this.#scope);
  }
}
