import { randomBytes } from "node:crypto";
import type { JetStreamManager, StreamConfig, StreamInfo } from "@nats-io/jetstream";
import { away } from "./broker-error.ts";
import { codeOf, type NatsLink, type OpenConnection } from "./nats-link.ts";

/** A stream, and what its name says of it: what was in one of another epoch is lost. */
export interface StreamRef {
  readonly name: string;
  readonly epoch: string;
}

/** How far a stream goes. */
export interface StreamExtent {
  /** 1 where nothing was ever let go of; one more than the last where nothing is left. */
  readonly first: number;
  readonly last: number;
}

/** A message's place. */
export interface MessagePlace {
  readonly sequence: number;
  readonly data: Uint8Array;
}

export interface StreamSpec {
  /** What it is for; part of its name, as far as it may be. */
  readonly label: string;
  /** What it takes; no other stream does. */
  readonly subject: string;
  readonly config: Partial<StreamConfig>;
}

type MessageQuery = { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj: string };

/** JetStream's own number of an error. */
const subjectsOverlap = 10_065;
/** What of a configuration may be changed, and is changed where another node has made it otherwise. */
const changeable = ["max_msgs_per_subject", "max_age", "duplicate_window", "num_replicas"] as const;
/** How long a stream may end before what was seen of it: servers of a cluster that have just begun may not know all yet. */
const shortMs = 5_000;
/** How often to look whether all that is left of a stream has been copied. */
const asideMs = 50;
const tries = 5;

/**
 * A stream, made when it is first needed and again when it was deleted. Its epoch is in its name: whatever NATS says of a message names
 * its stream, and a publish names the stream that it is for.
 */
export class NatsStream {
  readonly #link: NatsLink;
  readonly #spec: StreamSpec;
  #ref: StreamRef | undefined = undefined;
  #opening: Promise<StreamRef> | undefined = undefined;
  /** The furthest that is known of the stream that was last open. */
  #seen: { readonly name: string; sequence: number } | undefined = undefined;
  #shortSince: number | undefined = undefined;

  constructor(link: NatsLink, spec: StreamSpec) {
    this.#link = link;
    this.#spec = spec;
    link.attach({ onUp: () => {}, onDown: () => this.#onDown() });
  }

  /** The stream, where it is known to be there. */
  get ref(): StreamRef | undefined {
    return this.#ref;
  }

  /** Finds the stream, or makes it. @throws TautlineError `SERVICE_UNAVAILABLE`, `CONNECTION_CLOSED` */
  async open(): Promise<StreamRef> {
    if (this.#ref !== undefined) return this.#ref;
    this.#opening ??= this.#find();
    return await this.#opening;
  }

  /** The stream is not there any more: the next `open` looks for another. */
  lost(name: string): void {
    if (this.#ref?.name === name) this.#ref = undefined;
  }

  /** So much is in the stream. */
  saw(name: string, sequence: number): void {
    if (this.#seen?.name !== name) this.#seen = { name, sequence };
    else if (this.#seen.sequence < sequence) this.#seen.sequence = sequence;
  }

  /** @throws StreamLost, TautlineError `SERVICE_UNAVAILABLE`, as what follows does. */
  async extent(name: string): Promise<StreamExtent> {
    const { state } = await this.#link.ask(name, ({ manager }) => manager.streams.info(name));
    this.saw(name, state.last_seq);
    return { first: state.first_seq, last: state.last_seq };
  }

  /** The newest message of a subject. */
  async lastOf(name: string, subject: string): Promise<MessagePlace | undefined> {
    return await this.#message(name, { last_by_subj: subject });
  }

  /** The oldest message of a subject. */
  async firstOf(name: string, subject: string): Promise<MessagePlace | undefined> {
    return await this.#message(name, { seq: 1, next_by_subj: subject });
  }

  async #message(name: string, query: MessageQuery): Promise<MessagePlace | undefined> {
    const message = await this.#link.ask(name, ({ manager }) => manager.streams.getMessage(name, query));
    return message === null ? undefined : { sequence: message.seq, data: message.data };
  }

  /** What was lost with a server is noticed when the stream is looked for again. */
  #onDown(): void {
    this.#ref = undefined;
    this.#opening = undefined;
  }

  async #find(): Promise<StreamRef> {
    const connection = this.#link.require();
    try {
      const ref = await this.#findOrMake(connection);
      if (this.#link.connection !== connection) throw away();
      this.#ref = ref;
      return ref;
    } catch (error) {
      this.#link.check();
      throw away(error);
    } finally {
      if (this.#link.connection === connection) this.#opening = undefined;
    }
  }

  async #findOrMake(connection: OpenConnection): Promise<StreamRef> {
    for (let attempt = 1; attempt <= tries; attempt++) {
      const info = (await this.#lookUp(connection)) ?? (await this.#make(connection));
      if (info !== undefined && (await this.#isWhole(connection, info))) return refOf(info);
    }
    throw new Error(`other streams take ${this.#spec.subject}`);
  }

  async #lookUp({ manager }: OpenConnection): Promise<StreamInfo | undefined> {
    const names = await manager.streams.names(this.#spec.subject).next();
    const name = names.find((each) => each.startsWith(this.#start));
    if (name === undefined) return undefined;
    const info = await manager.streams.info(name);
    const wanted = this.#config(name);
    if (changeable.every((field) => wanted[field] === undefined || wanted[field] === info.config[field])) return info;
    return await manager.streams.update(name, { ...info.config, ...wanted });
  }

  /** Undefined where another node has made it meanwhile. */
  async #make({ manager }: OpenConnection): Promise<StreamInfo | undefined> {
    const name = this.#start + randomBytes(6).toString("hex");
    try {
      return await manager.streams.add({ ...this.#config(name), name });
    } catch (error) {
      if (codeOf(error) !== subjectsOverlap) throw error;
      return undefined;
    }
  }

  /**
   * Whether the stream has all that was seen of it. One that has lost its end, with a disk or to a backup, would give the same places
   * again to others: it is put aside, and another takes its place.
   */
  async #isWhole({ manager }: OpenConnection, { config, state }: StreamInfo): Promise<boolean> {
    const { name } = config;
    if (this.#seen?.name !== name || state.last_seq >= this.#seen.sequence) {
      this.#shortSince = undefined;
      this.saw(name, state.last_seq);
      return true;
    }
    this.#shortSince ??= this.#link.now();
    if (this.#link.now() - this.#shortSince < shortMs)
      throw new Error(`${name} has lost its end, or is not all there yet`);
    await this.#putAside(manager, config, state.last_seq);
    return false;
  }

  /** Another stream has what is left of it, as far as that can be copied. */
  async #putAside(
    manager: JetStreamManager,
    { name, storage, num_replicas }: StreamConfig,
    last: number,
  ): Promise<void> {
    const aside = `${name}-lost`;
    await manager.streams.add({ name: aside, mirror: { name }, storage, num_replicas });
    let copied = -1;
    for (let stuckAt = 0; copied < last && this.#link.now() - stuckAt < shortMs; await this.#link.pause(asideMs)) {
      const { last_seq } = (await manager.streams.info(aside)).state;
      if (last_seq > copied) stuckAt = this.#link.now();
      copied = last_seq;
    }
    await manager.streams.delete(name);
  }

  get #start(): string {
    const label = this.#spec.label.replace(/[^\w-]+/g, "_").slice(0, 32);
    return `${this.#link.settings.prefix}-${label}-`;
  }

  #config(name: string): Partial<StreamConfig> & { name: string } {
    const { replicas, storage } = this.#link.settings;
    return {
      name,
      subjects: [this.#spec.subject],
      description: this.#spec.label.slice(0, 256),
      storage,
      num_replicas: replicas,
      ...this.#spec.config,
    };
  }
}

function refOf({ config: { name } }: StreamInfo): StreamRef {
  return { name, epoch: epochOf(name) };
}

/** @param name of a stream. */
export function epochOf(name: string): string {
  return name.slice(name.lastIndexOf("-") + 1);
}
