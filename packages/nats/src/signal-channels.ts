import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Closable } from "@tautline/server";
import type { LinkUser, NatsLink, OpenConnection } from "./nats-link.ts";
import { toToken } from "./subject.ts";

type OnSignal = (text: string) => void;

interface Channel {
  readonly listeners: Set<OnSignal>;
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
    const nats = this.#link.connection?.nats;
    if (nats?.isClosed() === false) nats.publish(this.#subject(channel), text);
  }

  listen(channel: string, onSignal: OnSignal): Closable {
    this.#link.check();
    const subject = this.#subject(channel);
    const opened = this.#channels.get(subject) ?? { listeners: new Set(), subscription: undefined };
    this.#channels.set(subject, opened);
    // The same function may listen twice.
    const listener: OnSignal = (text) => onSignal(text);
    opened.listeners.add(listener);
    opened.subscription ??= this.#subscribe(this.#link.connection?.nats, subject, opened);
    return { close: () => this.#close(subject, opened, listener) };
  }

  onUp({ nats }: OpenConnection): void {
    for (const [subject, channel] of this.#channels) channel.subscription = this.#subscribe(nats, subject, channel);
  }

  onDown(): void {
    for (const channel of this.#channels.values()) channel.subscription = undefined;
  }

  close(): void {
    for (const [subject, channel] of this.#channels)
      for (const listener of channel.listeners) this.#close(subject, channel, listener);
  }

  #close(subject: string, channel: Channel, listener: OnSignal): void {
    channel.listeners.delete(listener);
    if (channel.listeners.size > 0 || this.#channels.get(subject) !== channel) return;
    this.#channels.delete(subject);
    channel.subscription?.unsubscribe();
  }

  #subscribe(nats: NatsConnection | undefined, subject: string, { listeners }: Channel): Subscription | undefined {
    return nats?.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return this.#link.settings.onError(error);
        const text = message.string();
        for (const listener of listeners) listener(text);
      },
    });
  }

  #subject(channel: string): string {
    return `${this.#link.settings.prefix}-signal.${toToken(channel)}`;
  }
}
