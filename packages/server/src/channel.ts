import {
  encodeMessage,
  frameLength,
  largeFrameLength,
  messageType,
  SharedMessage,
  streamsOf,
} from "@tautline/core/internals";
import type { TopicItem } from "./feed-entry.ts";
import type { KeyFeed } from "./key-feed.ts";
import type { ItemCheck } from "./subscription-items.ts";

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
    const channel = channels.get(check) ?? new Channel(++this.#count, this.#options);
    channels.set(check, channel);
    return channel;
  }
}

/** The way of a feed's events to calls that want them as they are: each is encoded once, and goes to a session once. */
export class Channel {
  readonly number: number;
  readonly #options: ChannelsOptions;
  readonly #seats = new Map<object, ChannelSeat>();
  /** The entry of the feed that was encoded last. */
  #entry = -1;
  #message: SharedMessage | undefined = undefined;

  constructor(number: number, options: ChannelsOptions) {
    this.number = number;
    this.#options = options;
  }

  /** Whether calls of a session are on it. */
  has(session: object): boolean {
    return this.#seats.has(session);
  }

  /** Puts a call of a session, which is at an entry, on the channel; undefined where others of the session are elsewhere. */
  join(session: object, entry: number): ChannelSeat | undefined {
    const seat = this.#seats.get(session) ?? new ChannelSeat(this, session);
    if (!seat.join(entry)) return undefined;
    this.#seats.set(session, seat);
    return seat;
  }

  /** The message of an entry; undefined where each call has to see to it by itself: it is large, or cannot be written. */
  encode(entry: number, item: TopicItem): SharedMessage | undefined {
    if (this.#entry === entry) return this.#message;
    this.#message = this.#tryEncode(item);
    this.#entry = entry;
    return this.#message;
  }

  /** A session's last call has left. */
  onLeft(session: object): void {
    this.#seats.delete(session);
  }

  #tryEncode(item: TopicItem): SharedMessage | undefined {
    try {
      return this.#encode(item);
    } catch {
      return undefined;
    }
  }

  #encode({ id, data }: TopicItem): SharedMessage | undefined {
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
 * Where a session's calls on a channel are. What is sent there is for all of them, so they have to be at the same place: an entry is
 * sent when each has accounted for the one before.
 */
export class ChannelSeat {
  readonly channel: Channel;
  readonly #session: object;
  /** The entry that is to be sent next, by whichever call comes to it first. */
  #next = 0;
  #calls = 0;
  /** Calls that have not accounted for the entry before. */
  #owing = 0;
  #sentLength = 0;

  constructor(channel: Channel, session: object) {
    this.channel = channel;
    this.#session = session;
  }

  /** The length of the frame that was sent last. */
  get sentLength(): number {
    return this.#sentLength;
  }

  /** Whether the entry was sent, to a call that is on the channel and comes to it now. */
  hasSent(entry: number): boolean {
    return entry < this.#next;
  }

  canSend(entry: number): boolean {
    return entry === this.#next && this.#owing === 0;
  }

  /** Takes a call that is at an entry. Returns whether it could. */
  join(entry: number): boolean {
    if (this.#calls > 0 && !this.canSend(entry)) return false;
    this.#next = entry;
    this.#calls++;
    return true;
  }

  /** @param entry where the call is. */
  leave(entry: number): void {
    this.#calls--;
    if (this.hasSent(entry)) this.#owing--;
    if (this.#calls === 0) this.channel.onLeft(this.#session);
  }

  onSent(message: SharedMessage): void {
    this.#next++;
    this.#owing = this.#calls - 1;
    this.#sentLength = message.frameLength;
  }

  /** A call has accounted for what another has sent. */
  onTaken(): void {
    this.#owing--;
  }
}
