import {
  type EncodedMessage,
  encodeMessage,
  frameLength,
  largeFrameLength,
  type MessagePipe,
  messageType,
  streamsOf,
} from "@tautline/core/internals";
import { ChannelMessage } from "./channel-message.ts";
import { ChannelSeat, type SeatHost } from "./channel-seat.ts";
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

/**
 * The way of a feed's events to calls that want them as they are, and have taken all that there is: each is encoded once, and goes to
 * a session once. Whoever cannot be brought an event, for it is large, or for want of credit, takes it by itself.
 */
export class Channel implements FeedCarrier, SeatHost {
  readonly number: number;
  readonly #feed: KeyFeed;
  readonly #check: ItemCheck | undefined;
  readonly #options: ChannelsOptions;
  readonly #seats = new Map<MessagePipe, ChannelSeat>();
  /** The entry of the feed that was encoded last. */
  #entry = -1;
  #message: ChannelMessage | undefined = undefined;

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
  encode(number: number): ChannelMessage | undefined {
    if (this.#entry === number) return this.#message;
    const entry = this.#feed.entry(number);
    const encoded = entry instanceof FeedEvent ? this.#tryEncode(entry) : undefined;
    const message = encoded === undefined ? undefined : new ChannelMessage(encoded, number);
    if (this.#message !== undefined) this.#message.following = message;
    this.#message = message;
    this.#entry = number;
    return message;
  }

  /** What goes wrong each call is told when it takes the event itself. */
  #tryEncode(event: FeedEvent): EncodedMessage | undefined {
    try {
      return this.#encode(this.#check === undefined ? event : event.checked(this.#check));
    } catch {
      return undefined;
    }
  }

  #encode({ id, data }: TopicItem): EncodedMessage | undefined {
    if (isThenable(data)) return undefined;
    const { write, maxFrameBytes } = this.#options;
    const value = write(data);
    // Streams are for one reader.
    if (streamsOf(value) !== undefined) return undefined;
    const head = [messageType.channelEvent, this.number, id] as const;
    const message = encodeMessage(value === undefined ? head : [...head, value], Number.POSITIVE_INFINITY);
    // A UTF-16 unit takes three bytes at most.
    const isLarge = frameLength(message) > Math.min(largeFrameLength, maxFrameBytes / 3);
    return isLarge ? undefined : message;
  }
}
