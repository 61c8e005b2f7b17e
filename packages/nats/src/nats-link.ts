import { JetStreamApiError, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { type Deadline, Deadlines } from "@tautline/core/internals";
import { away, brokerClosed, StreamLost } from "./broker-error.ts";
import { Inbox } from "./inbox.ts";
import type { LinkSettings } from "./options.ts";

/** A connection that stands, and what goes over it. */
export interface OpenConnection {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly inbox: Inbox;
}

/** Hears whether there is a connection. Whatever it had open on one is gone with it. */
export interface LinkUser {
  onUp(connection: OpenConnection): void;
  onDown(): void;
}

/** JetStream's own number of an error. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

const streamNotFound = 10_059;
/** How long a server may take to let a connection go that is closed. */
const hangUpMs = 1_000;

interface Waiter {
  readonly deadline: Deadline;
  readonly resolve: (connection: OpenConnection) => void;
  readonly reject: (error: unknown) => void;
}

/** The way to NATS: one connection after the other, until it is closed. */
export class NatsLink {
  readonly settings: LinkSettings;
  readonly deadlines: Deadlines;
  readonly #users = new Set<LinkUser>();
  readonly #waiters = new Set<Waiter>();
  readonly #pauses = new Set<() => void>();
  #connection: OpenConnection | undefined = undefined;
  #closed = false;
  readonly #dialing: Promise<void>;

  constructor(settings: LinkSettings) {
    this.settings = settings;
    this.deadlines = new Deadlines(settings.clock);
    this.#dialing = this.#dial();
  }

  get connection(): OpenConnection | undefined {
    return this.#connection;
  }

  get closed(): boolean {
    return this.#closed;
  }

  now(): number {
    return this.settings.clock.now();
  }

  /** @throws TautlineError `SERVICE_UNAVAILABLE`, `CONNECTION_CLOSED` */
  require(): OpenConnection {
    this.check();
    if (this.#connection === undefined) throw away();
    return this.#connection;
  }

  /** @throws TautlineError `CONNECTION_CLOSED` */
  check(): void {
    if (this.#closed) throw brokerClosed();
  }

  /** Waits for a connection, in the order of the calls. @throws TautlineError `SERVICE_UNAVAILABLE`, `CONNECTION_CLOSED` */
  async whenUp(waitMs: number): Promise<OpenConnection> {
    if (this.#connection !== undefined || this.#closed || waitMs <= 0) return this.require();
    return await new Promise((resolve, reject) => {
      const deadline = this.deadlines.add(waitMs, () => {
        this.#waiters.delete(waiter);
        reject(away());
      });
      const waiter: Waiter = { deadline, resolve, reject };
      this.#waiters.add(waiter);
    });
  }

  /**
   * Asks something of a stream.
   *
   * @throws StreamLost, TautlineError `SERVICE_UNAVAILABLE`, `CONNECTION_CLOSED`
   */
  async ask<T>(stream: string, question: (connection: OpenConnection) => Promise<T>): Promise<T> {
    try {
      return await question(this.require());
    } catch (error) {
      this.check();
      throw codeOf(error) === streamNotFound ? new StreamLost(stream) : away(error);
    }
  }

  /** Resolves later, or when the link is closed. */
  async pause(delayMs: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#pauses.delete(wake);
        resolve();
      };
      this.#pauses.add(wake);
      this.deadlines.add(delayMs, wake);
    });
  }

  attach(user: LinkUser): void {
    this.#users.add(user);
    if (this.#connection !== undefined) user.onUp(this.#connection);
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#settleWaiters(({ reject }) => reject(brokerClosed()));
      const nats = this.#connection?.nats;
      this.#goDown();
      for (const wake of this.#pauses) wake();
      if (nats !== undefined) await this.#hangUp(nats);
    }
    await this.#dialing;
    this.deadlines.clear();
  }

  /** Until the link is closed: connects, waits for the connection's end, and so on. */
  async #dial(): Promise<void> {
    for (let failures = 0; !this.#closed; ) {
      try {
        const nats = await this.#connect();
        failures = 0;
        await this.#use(nats);
      } catch (error) {
        failures++;
        this.settings.onError(error);
      }
      await this.pause(this.#backoffMs(failures));
    }
  }

  async #connect(): Promise<NatsConnection> {
    const { servers, connection, answerMs, heartbeatMs } = this.settings;
    return await connect({
      ...connection,
      servers,
      // The link does so itself, so that there is one way only in which a connection comes about.
      reconnect: false,
      timeout: answerMs,
      pingInterval: heartbeatMs,
      maxPingOut: 2,
      // A stack for each request.
      noAsyncTraces: true,
    });
  }

  /** Resolves when the connection is gone. */
  async #use(nats: NatsConnection): Promise<void> {
    const { clock, answerMs, connection } = this.settings;
    const manager = await jetstreamManager(nats, { checkAPI: false, timeout: answerMs });
    const gone = nats.closed();
    if (this.#closed) await nats.close();
    else {
      const { deadlines } = this;
      const inbox = new Inbox(nats, { clock, deadlines, answerMs, inboxPrefix: connection.inboxPrefix });
      this.#goUp({ nats, manager, inbox });
    }
    const error = await gone;
    this.#goDown();
    if (error instanceof Error) this.settings.onError(error);
  }

  #goUp(connection: OpenConnection): void {
    this.#connection = connection;
    for (const user of this.#users) user.onUp(connection);
    this.#settleWaiters(({ resolve }) => resolve(connection));
  }

  #goDown(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.inbox.close();
    for (const user of this.#users) user.onDown();
  }

  /** What is on its way still goes out, so that nothing is left behind on the server. */
  async #hangUp(nats: NatsConnection): Promise<void> {
    await new Promise<void>((resolve) => {
      this.deadlines.add(hangUpMs, resolve);
      nats.flush().then(resolve, () => resolve());
    });
    await nats.close();
  }

  #settleWaiters(settle: (waiter: Waiter) => void): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) {
      waiter.deadline.cancel();
      settle(waiter);
    }
  }

  #backoffMs(failures: number): number {
    const { backoff, random } = this.settings;
    return random() * Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(failures, 30));
  }
}
