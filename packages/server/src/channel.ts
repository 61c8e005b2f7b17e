import {
  costOf,
  encodeMessage,
  frameLength,
  type IncomingCall,
  largeFrameLength,
  type MessagePipe,
  messageType,
  SharedMessage,
  streamsOf,
} from "@tautline/core/internals";
import { FeedEvent, type TopicItem } from "./feed-entry.ts";
import type { FeedCarrier, KeyFeed } from "./key-feed.ts";
import type { ItemCheck } from "./subscription-items.ts";
import { isThenable } from "./thenable.ts";

export interface ChannelsOptions {
  /** The transformer's. */
  readonly write: (data: unknown) => unknown;
  /** The largest frame, in bytes. */
  readonly maxFrameBytes: number;
}

/** A server's channels. Their numbers are its own, and the same for all of its sessions. */
export class Channels {
  readonly #options: ChannelsOptions;
  readonly #channels = new WeakMap<KeyFeed, Map<ItemCheck | undefined, Channel>>();
  #count = 0;

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  /** What brings a feed's events to all who want them as a contract lets them through. */
  of(feed: KeyFeed, check: ItemCheck | undefined): Channel {
    const channels = this.#channels.get(feed) ?? new Map<ItemCheck | undefined, Channel>();
    this.#channels.set(feed, channels);
    const channel = channels.get(check) ?? new Channel(++this.#count, feed, check, this.#options);
    channels.set(check, channel);
    return channel;
  }
}

/** Who is on a channel: what comes is brought. */
export interface Passenger {
  readonly call: IncomingCall;
  /** It is on the channel no more: this entry of the feed is the first that it takes by itself again. */
  onPutDown(next: number): void;
}

/**
 * The way of a feed's events to calls that want them as they are, and have taken all that there is: each is encoded once, and goes to
 * a session once. Whoever cannot be brought an event, for it is large, or for want of credit, takes it by itself.
 */
export class Channel implements FeedCarrier {
  readonly number: number;
  readonly #feed: KeyFeed;
  readonly #check: ItemCheck | undefined;
  readonly #options: ChannelsOptions;
  readonly #seats = new Map<MessagePipe, ChannelSeat>();
  /** The entry of the feed that was encoded last. */
  #entry = -1;
  #message: SharedMessage | undefined = undefined;

  constructor(number: number, feed: KeyFeed, check: ItemCheck | undefined, options: ChannelsOptions) {
    this.number = number;
    this.#feed = feed;
    this.#check = check;
    this.#options = options;
  }

  /** Where a session's calls are that are on the channel. */
  seat(session: MessagePipe): ChannelSeat | undefined {
    return this.#seats.get(session);
  }

  /** A place for the calls of a session that has none here; the entry is the next that they are brought. */
  openSeat(session: MessagePipe, next: number): ChannelSeat {
    if (this.#seats.size === 0) this.#feed.addCarrier(this);
    const seat = new ChannelSeat(this, session, next);
    this.#seats.set(session, seat);
    return seat;
  }

  /** A session's last call has left. */
  closeSeat(session: MessagePipe): void {
    this.#seats.delete(session);
    if (this.#seats.size === 0) this.#feed.removeCarrier(this);
  }

  onEntry(number: number): void {
    const message = this.encode(number);
    for (const seat of this.#seats.values()) {
      if (message === undefined) seat.putDown();
      else seat.bring(message);
    }
  }

  onFeedFailed(): void {
    for (const seat of this.#seats.values()) seat.putDown();
  }

  /** The message of an entry that the feed has; undefined where each call has to see to it by itself. */
  encode(number: number): SharedMessage | undefined {
    if (this.#entry === number) return this.#message;
    const entry = this.#feed.entry(number);
    this.#message = entry instanceof FeedEvent ? this.#tryEncode(entry) : undefined;
    this.#entry = number;
    return this.#message;
  }

  /** What goes wrong each call is told when it takes the event itself. */
  #tryEncode(event: FeedEvent): SharedMessage | undefined {
    try {
      return this.#encode(this.#check === undefined ? event : event.checked(this.#check));
    } catch {
      return undefined;
    }
  }

  #encode({ id, data }: TopicItem): SharedMessage | undefined {
    if (isThenable(data)) return undefined;
    const { write, maxFrameBytes } = this.#options;
    const value = write(data);
    // Streams are for one reader.
    if (streamsOf(value) !== undefined) return undefined;
    const head = [messageType.channelEvent, this.number, id] as const;
    const message = encodeMessage(value === undefined ? head : [...head, value], Number.POSITIVE_INFINITY);
    // A UTF-16 unit takes three bytes at most.
    const isLarge = frameLength(message) > Math.min(largeFrameLength, maxFrameBytes / 3);
    return isLarge ? undefined : new SharedMessage(message);
  }
}

/**
 * Where a session's calls on a channel are: at the same entry, for what is sent there is for all of them. Their credit is accounted
 * for when the least of it is used up, not with each event.
 */
export class ChannelSeat {
  readonly #session: MessagePipe;
  /** What may be sent before credit has to be looked at; and what was sent since it was. */
  #left = 0;
  #spent = 0;
  /** The entry that is brought next. */
  #next: number;
  readonly #passengers: Passenger[] = [];
  readonly #channel: Channel;

  constructor(channel: Channel, session: MessagePipe, next: number) {
    this.#channel = channel;
    this.#session = session;
    this.#next = next;
  }

  /** The entry that is brought next. */
  get next(): number {
    return this.#next;
  }

  /** Takes one that has taken all before `next`, and has credit. */
  join(passenger: Passenger): void {
    this.#settle();
    this.#passengers.push(passenger);
    this.#left = 0;
  }

  /** Puts one down. */
  leave(passenger: Passenger): void {
    this.#settle();
    this.#passengers.splice(this.#passengers.indexOf(passenger), 1);
    if (this.#passengers.length === 0) this.#channel.closeSeat(this.#session);
    passenger.onPutDown(this.#next);
  }

  /** Puts all down. */
  putDown(): void {
    for (const passenger of this.#passengers.slice()) this.leave(passenger);
  }

  /** Brings an event to all who have credit; puts down who has none, or all where the session takes no more. */
  bring(message: SharedMessage): void {
    if (this.#left <= 0) this.#look();
    if (this.#session.drained() !== undefined) this.putDown();
    else if (this.#passengers.length > 0) this.send(message);
  }

  /** Sends the entry that is brought next. */
  send(message: SharedMessage): void {
    const cost = costOf(message.frameLength);
    this.#left -= cost;
    this.#spent += cost;
    this.#next++;
    this.#session.send(message);
  }

  #look(): void {
    this.#settle();
    let left = 0;
    for (const passenger of this.#passengers.slice()) {
      const { credit } = passenger.call;
      if (credit <= 0) this.leave(passenger);
      else if (left === 0 || credit < left) left = credit;
    }
    this.#left = left;
  }

  #settle(): void {
    for (const { call } of this.#passengers) call.spend(this.#spent);
    this.#spent = 0;
  }
}
