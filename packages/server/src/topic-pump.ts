import type { Clock, IncomingCall } from "@tautline/core/internals";
import type { CallScope } from "./call-scope.ts";
import type { Channel, Channels } from "./channel.ts";
import type { ChannelSeat, Passenger } from "./channel-seat.ts";
import type { TopicItem } from "./feed-entry.ts";
import { Gap } from "./gap.ts";
import type { ReadReceiver, ReadStart } from "./read-plan.ts";
import { isThenable } from "./thenable.ts";
import type { TopicReader } from "./topic-reader.ts";
import type { TopicSubscription } from "./topic-subscription.ts";

/** What a server's pumps share. */
export interface TopicPumpHost {
  readonly clock: Pick<Clock, "turn">;
  readonly channels: Channels;
  /** What it throws ends the call. */
  sendEvent(id: string, data: unknown, showsId: boolean, call: IncomingCall): void;
  sendGap(gap: Gap, call: IncomingCall): void;
  fail(call: IncomingCall, thrown: unknown, scope: CallScope): void;
}

/** After so many items the rest of the process gets its turn: a log that is caught up with has always one more. */
const itemsPerTurn = 128;

/** Moves a topic's events to a call, no faster than they are taken; one that waits costs no promise and no timer. */
export class TopicPump implements ReadReceiver, Passenger {
  readonly #host: TopicPumpHost;
  readonly call: IncomingCall;
  readonly #scope: CallScope;
  readonly #showsIds: boolean;
  #reader: TopicReader | undefined = undefined;
  /** While it is on a channel, which brings what comes. */
  #seat: ChannelSeat | undefined = undefined;
  /** Whether it will go on by itself. */
  #busy = false;
  #items = 0;

  constructor(host: TopicPumpHost, call: IncomingCall, scope: CallScope, showsIds: boolean) {
    this.#host = host;
    this.call = call;
    this.#scope = scope;
    this.#showsIds = showsIds;
  }

  start(subscription: TopicSubscription<unknown, unknown>): void {
    const call = this.call;
    if (call.settled) return;
    const reader = subscription.read(this, call.fields.lastEventId);
    this.#reader = reader;
    call.onAborted = () => this.#close();
    reader.open();
  }

  onStarted(_start: ReadStart): void {
    this.call.sendStarted();
  }

  onReady(): void {
    if (!this.#busy) this.#drain();
  }

  /** An event that still leaves in parts goes first. */
  onEnded(error: unknown): void {
    const leaving = this.call.drained(0);
    if (leaving === undefined) return this.#fail(error);
    this.#close();
    void leaving.then(() => this.call.settled || this.#fail(error));
  }

  /** What comes from now on goes to this call alone. */
  onPutDown(next: number): void {
    this.#seat = undefined;
    this.call.sendChannel(0);
    this.#reader?.wake(next);
  }

  /** Nothing is thrown here: nobody would take it. */
  #drain(): void {
    try {
      while (!this.call.settled && this.#seat === undefined) {
        if (this.#reader?.waits() === true) return this.#onCaughtUp();
        const wait = this.#wait();
        if (wait !== undefined) return this.#goOnAfter(wait);
        const next = this.#reader?.take();
        if (next === undefined) return this.#onCaughtUp();
        if (next instanceof Gap) this.#host.sendGap(next, this.call);
        else if (isThenable(next.data)) return this.#sendLater(next.id, next.data);
        else this.#send(next);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Where others of the session are on the channel, it joins them: what comes next goes to all of them at once. */
  #onCaughtUp(): void {
    this.#items = 0;
    const reader = this.#reader;
    if (reader?.steady !== true) return;
    const channel = this.#findChannel(reader.next);
    const seat = channel?.seat(this.call.pipe);
    if (channel === undefined || seat?.next !== reader.next || this.call.ready() !== undefined) return;
    this.#join(channel, seat);
  }

  #send(item: TopicItem): void {
    this.#items++;
    if (!this.#sendShared()) this.#host.sendEvent(item.id, item.data, this.#showsIds, this.call);
  }

  /** Sends what was taken last over the channel, and stays there. Returns whether it could. */
  #sendShared(): boolean {
    const entry = this.#reader?.taken;
    const channel = this.#findChannel(entry);
    // Others of the session have had it already.
    if (entry === undefined || channel === undefined || channel.seat(this.call.pipe) !== undefined) return false;
    const message = channel.encode(entry);
    if (message === undefined) return false;
    const seat = channel.openSeat(this.call.pipe, entry);
    this.#join(channel, seat);
    seat.send(message);
    return true;
  }

  /** For the newest event, or the next: what others had before is not encoded for all of them again. */
  #findChannel(entry: number | undefined): Channel | undefined {
    const reader = this.#reader;
    const feed = reader?.feed;
    if (entry === undefined || feed === undefined || feed.size < 2 || entry < feed.end - 1) return undefined;
    return this.#host.channels.of(feed, reader?.check);
  }

  #join(channel: Channel, seat: ChannelSeat): void {
    this.#items = 0;
    this.#seat = seat;
    this.#reader?.rest();
    seat.join(this);
    // Keeping it may be too much for the session: then the call has left again.
    this.call.sendChannel(channel.number, this.#showsIds);
  }

  #sendLater(id: string, data: PromiseLike<unknown>): void {
    const send = (settled: unknown): void => this.#host.sendEvent(id, settled, this.#showsIds, this.call);
    this.#items++;
    this.#goOnAfter(data.then(send));
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
    const wait = this.call.ready();
    if (wait !== undefined || this.#items < itemsPerTurn) return wait;
    this.#items = 0;
    return this.#host.clock.turn();
  }

  #fail(error: unknown): void {
    this.#host.fail(this.call, error, this.#scope);
    this.#close();
  }

  /** The call is over. */
  #close(): void {
    this.#seat?.leave(this);
    this.#reader?.close();
  }
}
