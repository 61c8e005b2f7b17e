import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Closable } from "@tautline/server";
import type { LinkUser, NatsLink, OpenConnection } from "./nats-link.ts";
import { toToken } from "./subject.ts";

type OnSignal = (text: string) => void;

interface Listener {
  readonly onSignal: OnSignal;
  readonly onListening: (() => void) | undefined;
}

interface Channel {
  readonly listeners: Set<Listener>;
  subscription: Subscription | undefined;
}

/** Signals between nodes, which nobody keeps. */
export class SignalChannels implements LinkUser {
  readonly #link: NatsLink;
  /** By subject. */
  readonly #channels = new Map<string, Channel>();

  constructor(link: NatsLink) {
    this.#link = link;
    link.attach(this);
  }

  signal(channel: string, text: string): void {
    this.#link.check();
    this.#nats?.publish(this.#subject(channel), text);
  }

  listen(channel: string, onSignal: OnSignal, onListening?: () => void): Closable {
    this.#link.check();
    const subject = this.#subject(channel);
    const opened = this.#channels.get(subject) ?? { listeners: new Set(), subscription: undefined };
    this.#channels.set(subject, opened);
    const listener: Listener = { onSignal, onListening };
    opened.listeners.add(listener);
    const nats = this.#nats;
    if (nats !== undefined) opened.subscription ??= this.#subscribe(nats, subject, opened);
    if (nats !== undefined && onListening !== undefined) this.#onceStanding(nats, [[opened, listener]]);
    return { close: () => this.#close(subject, opened, listener) };
  }

  onUp({ nats }: OpenConnection): void {
    const waiting: [Channel, Listener][] = [];
    for (const [subject, channel] of this.#channels) {
      channel.subscription = this.#subscribe(nats, subject, channel);
      for (const listener of channel.listeners) waiting.push([channel, listener]);
    }
    this.#onceStanding(nats, waiting);
  }

  onDown(): void {
    for (const channel of this.#channels.values()) channel.subscription = undefined;
  }

  close(): void {
    for (const [subject, channel] of this.#channels)
      for (const listener of channel.listeners) this.#close(subject, channel, listener);
  }

  /** Undefined where there is none, or it has closed and nobody has heard of that yet. */
  get #nats(): NatsConnection | undefined {
    const nats = this.#link.connection?.nats;
    return nats?.isClosed() === false ? nats : undefined;
  }

  /** What the server answers now it answers after it has heard of the subscriptions. */
  #onceStanding(nats: NatsConnection, waiting: readonly (readonly [Channel, Listener])[]): void {
    const tell = (): void => {
      if (this.#link.connection?.nats !== nats) return;
      for (const [{ listeners }, listener] of waiting) if (listeners.has(listener)) listener.onListening?.();
    };
    // Where it does not answer, the connection is gone.
    nats.flush().then(tell, () => {});
  }

  #close(subject: string, channel: Channel, listener: Listener): void {
    channel.listeners.delete(listener);
    if (channel.listeners.size > 0 || this.#channels.get(subject) !== channel) return;
    this.#channels.delete(subject);
    channel.subscription?.unsubscribe();
  }

  #subscribe(nats: NatsConnection, subject: string, { listeners }: Channel): Subscription {
    return nats.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return this.#link.settings.onError(error);
        const text = message.string();
        // A copy: whoever comes meanwhile hears of the next.
        for (const listener of Array.from(listeners)) if (listeners.has(listener)) listener.onSignal(text);
      },
    });
  }

  #subject(channel: string): string {
    return `${this.#link.settings.prefix}-signal.${toToken(channel)}`;
  }
}
