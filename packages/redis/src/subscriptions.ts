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

interface Channel {
  readonly name: string;
  readonly listeners: ChannelListener[];
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
    const channel = this.#channels.get(name) ?? { name, listeners: [], asked: false, stands: false };
    this.#channels.set(name, channel);
    channel.listeners.push(listener);
    if (channel.stands) queueMicrotask(() => tellIfStands(channel, listener));
    else if (!channel.asked) this.#change(channel);
    return { close: () => this.#unsubscribe(channel, listener) };
  }

  #unsubscribe(channel: Channel, listener: ChannelListener): void {
    const index = channel.listeners.indexOf(listener);
    if (index < 0) return;
    channel.listeners.splice(index, 1);
    if (channel.listeners.length > 0) return;
    this.#channels.delete(channel.name);
    this.#change(channel);
  }

  #onMessage(name: string, text: string): void {
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    const { listeners } = channel;
    if (listeners.length === 1) listeners[0]?.onMessage(text);
    else for (const listener of [...listeners]) listener.onMessage(text);
  }

  #onLost(): void {
    this.#changed.clear();
    for (const channel of this.#channels.values()) {
      const stood = channel.stands;
      channel.asked = false;
      channel.stands = false;
      if (stood) for (const listener of [...channel.listeners]) listener.onUnsubscribed();
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
      for (const listener of [...channel.listeners]) listener.onSubscribed();
    }
  }
}

function tellIfStands({ stands, listeners }: Channel, listener: ChannelListener): void {
  if (stands && listeners.includes(listener)) listener.onSubscribed();
}
