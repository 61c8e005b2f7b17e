import type { Closable } from "@tautline/server";
import type { ConnectionSettings } from "./options.ts";
import { RedisConnection } from "./redis-connection.ts";
import { replyCode } from "./redis-error.ts";

/** Whoever listens to a channel. */
export interface ChannelListener {
  /** From now on each message comes, until the subscription is lost. Again whenever it stands again. */
  onSubscribed(): void;
  /** What comes from now on does not come here. */
  onUnsubscribed(): void;
  onMessage(text: string): void;
}

/** One listener's part in a channel. */
class Subscription implements Closable {
  readonly channel: Channel;
  readonly listener: ChannelListener;
  open = true;
  readonly #onClosed: (subscription: Subscription) => void;

  constructor(channel: Channel, listener: ChannelListener, onClosed: (subscription: Subscription) => void) {
    this.channel = channel;
    this.listener = listener;
    this.#onClosed = onClosed;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.#onClosed(this);
  }
}

interface Channel {
  readonly name: string;
  /** Another array whenever they change, so that whoever goes through them is not confused. */
  subscriptions: readonly Subscription[];
  /** Whether the server was asked, and whether it has answered. */
  asked: boolean;
  stands: boolean;
}

/** So many channels are named at once. */
const maxBatch = 500;

/** All channels that this node listens to, on one connection. */
export class Subscriptions {
  readonly connection: RedisConnection;
  readonly #channels = new Map<string, Channel>();
  /** Those of which the server has to be told something when the turn is over. */
  readonly #changed = new Set<Channel>();
  readonly #onError: (error: unknown) => void;
  #flushing = false;

  /** @param onReady is called whenever the connection is open, before anything is subscribed. */
  constructor(settings: ConnectionSettings, onReady: () => void) {
    this.#onError = settings.onError;
    this.connection = new RedisConnection(settings, {
      onReady: () => {
        onReady();
        for (const channel of this.#channels.values()) this.#change(channel);
      },
      onLost: () => this.#onLost(),
      onMessage: (name, text) => this.#onMessage(name, text),
    });
  }

  /** How many channels are listened to. */
  get size(): number {
    return this.#channels.size;
  }

  /** A listener that comes to a channel which stands hears so in a later turn. */
  subscribe(name: string, listener: ChannelListener): Closable {
    const channel = this.#channels.get(name) ?? { name, subscriptions: [], asked: false, stands: false };
    const subscription = new Subscription(channel, listener, this.#onClosed);
    channel.subscriptions = [...channel.subscriptions, subscription];
    this.#channels.set(name, channel);
    if (channel.stands) queueMicrotask(() => tellThatItStands(subscription));
    else if (!channel.asked) this.#change(channel);
    return subscription;
  }

  readonly #onClosed = (subscription: Subscription): void => {
    const { channel } = subscription;
    channel.subscriptions = channel.subscriptions.filter((other) => other !== subscription);
    if (channel.subscriptions.length > 0) return;
    this.#channels.delete(channel.name);
    this.#change(channel);
  };

  #onMessage(name: string, text: string): void {
    const subscriptions = this.#channels.get(name)?.subscriptions ?? [];
    for (const { open, listener } of subscriptions) if (open) listener.onMessage(text);
  }

  #onLost(): void {
    this.#changed.clear();
    for (const channel of this.#channels.values()) {
      const stood = channel.stands;
      channel.asked = false;
      channel.stands = false;
      if (stood) for (const { open, listener } of channel.subscriptions) if (open) listener.onUnsubscribed();
    }
  }

  #change(channel: Channel): void {
    this.#changed.add(channel);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    const changed = [...this.#changed];
    this.#changed.clear();
    if (!this.connection.ready) return;
    const gone = changed.filter((channel) => channel.asked && this.#channels.get(channel.name) === undefined);
    const come = changed.filter((channel) => !channel.asked && this.#channels.get(channel.name) === channel);
    for (let start = 0; start < gone.length; start += maxBatch) this.#leave(gone.slice(start, start + maxBatch));
    for (let start = 0; start < come.length; start += maxBatch) this.#enter(come.slice(start, start + maxBatch));
  };

  #leave(channels: readonly Channel[]): void {
    // What fails went with its connection.
    this.connection.unsubscribe(channels.map(({ name }) => name)).catch(() => {});
  }

  #enter(channels: readonly Channel[]): void {
    for (const channel of channels) channel.asked = true;
    this.connection.subscribe(channels.map(({ name }) => name)).then(
      () => this.#onEntered(channels),
      (thrown: unknown) => {
        // Refused: for want of rights, say. What fails otherwise went with its connection.
        if (replyCode(thrown) !== undefined) this.#onError(thrown);
      },
    );
  }

  #onEntered(channels: readonly Channel[]): void {
    for (const channel of channels) {
      if (!channel.asked || channel.stands) continue;
      channel.stands = true;
      for (const subscription of channel.subscriptions) tellThatItStands(subscription);
    }
  }
}

function tellThatItStands({ open, channel, listener }: Subscription): void {
  if (open && channel.stands) listener.onSubscribed();
}
