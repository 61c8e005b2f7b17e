import type { Clock, IncomingCall } from "@tautline/core/internals";
import type { CallScope } from "./call-scope.ts";
import type { Channel, ChannelSeat, Channels } from "./channel.ts";
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
export class TopicPump implements ReadReceiver {
  readonly #host: TopicPumpHost;
  readonly #call: IncomingCall;
  readonly #scope: CallScope;
  readonly #showsIds: boolean;
  #reader: TopicReader | undefined = undefined;
  /** While it is on a channel: then it is caught up, and has credit. */
  #seat: ChannelSeat | undefined = undefined;
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
    call.onAborted = () => this.#close();
    reader.open();
  }

  onStarted(_start: ReadStart): void {
    this.#call.sendStarted();
  }

  onReady(): void {
    if (!this.#busy) this.#drain();
  }

  onEnded(error: unknown): void {
    this.#fail(error);
  }

  /** Nothing is thrown here: nobody would take it. */
  #drain(): void {
    try {
      while (!this.#call.settled) {
        if (this.#takeSent()) continue;
        if (this.#reader?.waits() === true) return this.#onCaughtUp();
        const wait = this.#wait();
        if (wait !== undefined) return this.#goOnAfter(wait);
        const next = this.#reader?.take();
        if (next === undefined) return this.#onCaughtUp();
        if (next instanceof Gap) this.#sendGap(next);
        else if (isThenable(next.data)) return this.#sendLater(next.id, next.data);
        else this.#send(next);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether another call of the session has sent what comes next: that was for this one too. */
  #takeSent(): boolean {
    const seat = this.#seat;
    const reader = this.#reader;
    if (seat === undefined || reader === undefined || !seat.hasSent(reader.next)) return false;
    if (!reader.skip()) {
      this.#leave();
      return false;
    }
    seat.onTaken();
    this.#call.spend(seat.sentLength);
    return true;
  }

  /** Where others of the session are on the channel, it joins them: what comes next goes to all of them at once. */
  #onCaughtUp(): void {
    this.#items = 0;
    const reader = this.#reader;
    if (this.#seat !== undefined || reader?.steady !== true) return;
    const entry = reader.next;
    const channel = this.#findChannel(entry);
    if (channel?.has(this.#scope) === true) this.#join(channel, entry);
  }

  #sendGap(gap: Gap): void {
    this.#leave();
    this.#host.sendGap(gap, this.#call);
  }

  #send(item: TopicItem): void {
    this.#items++;
    if (this.#sendShared(item)) return;
    this.#leave();
    this.#host.sendEvent(item.id, item.data, this.#showsIds, this.#call);
  }

  /** Sends an event over the channel, for all calls of the session that are there. Returns whether it could. */
  #sendShared(item: TopicItem): boolean {
    const entry = this.#reader?.taken;
    const channel = this.#seat?.channel ?? this.#findChannel(entry);
    if (entry === undefined || channel === undefined) return false;
    const message = channel.encode(entry, item);
    if (message === undefined || !this.#isSeated(channel, entry)) return false;
    this.#call.sendShared(message);
    this.#call.spend(message.frameLength);
    this.#seat?.onSent(message);
    return true;
  }

  /** For the newest event, or the next: what others had before is not encoded for all of them again. */
  #findChannel(entry: number | undefined): Channel | undefined {
    const reader = this.#reader;
    const feed = reader?.feed;
    if (entry === undefined || feed === undefined || feed.size < 2 || entry < feed.end - 1) return undefined;
    return this.#host.channels.of(feed, reader?.check);
  }

  /** Whether it can send an entry over the channel; joins that where it has to. */
  #isSeated(channel: Channel, entry: number): boolean {
    return this.#seat === undefined ? this.#join(channel, entry) : this.#seat.canSend(entry);
  }

  #join(channel: Channel, entry: number): boolean {
    this.#seat = channel.join(this.#scope, entry);
    if (this.#seat === undefined) return false;
    this.#call.sendChannel(channel.number, this.#showsIds);
    return true;
  }

  /** What comes from now on goes to this call alone. */
  #leave(): void {
    const seat = this.#seat;
    if (seat === undefined) return;
    this.#seat = undefined;
    seat.leave(this.#reader?.next ?? 0);
    this.#call.sendChannel(0);
  }

  #sendLater(id: string, data: PromiseLike<unknown>): void {
    const send = (settled: unknown): void => this.#host.sendEvent(id, settled, this.#showsIds, this.#call);
    this.#items++;
    this.#goOnAfter(data.then(send));
  }

  #goOnAfter(wait: PromiseLike<unknown>): void {
    this.#leave();
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
    this.#host.fail(this.#call, error, this.#scope);
    this.#close();
  }

  /** The call is over. */
  #close(): void {
    this.#reader?.close();
    this.#leave();
  }
}
