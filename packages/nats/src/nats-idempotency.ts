import { createHash } from "node:crypto";
import { TautlineError } from "@tautline/core";
import type { CallOutcome, Deadline } from "@tautline/core/internals";
import type { IdempotencyStore } from "@tautline/server";
import { away, nobodyKnows, StreamLost } from "./broker-error.ts";
import { readOutcome, type WrittenOutcome, writeOutcome } from "./call-outcome.ts";
import { LeaseTable } from "./lease-table.ts";
import { decodeRecord, encodeRecord, type FoundRecord, type MutationRecord } from "./mutation-record.ts";
import { type LinkUser, NatsLink } from "./nats-link.ts";
import { NatsStream } from "./nats-stream.ts";
import { NodeLease } from "./node-lease.ts";
import {
  defaultKeepMs,
  defaultLeaseMs,
  defaultMaxOutcomeBytes,
  defaultPollMs,
  defaultWaitMs,
  linkSettings,
  type NatsIdempotencyOptions,
} from "./options.ts";
import { type Outgoing, Publisher } from "./publisher.ts";
import { randomId } from "./random-id.ts";

/** Close it after the servers that use it. */
export interface NatsIdempotencyStore extends IdempotencyStore {
  /** Resolves when NATS is there, or has been away for `waitMs`. */
  ready(): Promise<void>;
  /** What runs here is unknown to the others from then on. Idempotent. */
  close(): Promise<void>;
}

/**
 * What mutations came to, for all nodes that share a NATS: a stream with a subject for each mutation. While a mutation runs, its node
 * shows that it lives; where it does not, whoever sends the mutation again is told `OUTCOME_UNKNOWN`, and so where NATS has lost the
 * stream.
 *
 * @throws TypeError where the prefix cannot be part of a subject.
 */
export function natsIdempotencyStore(options: NatsIdempotencyOptions = {}): NatsIdempotencyStore {
  return new NatsStore(options);
}

/** A mutation that runs here, or whose outcome waits to be stored. */
interface RunningMutation {
  readonly subject: string;
  readonly claim: string;
  /** Where its record is in the stream. */
  sequence: number;
  writtenAt: number;
  /** What is being done to its record, one after the other. */
  work: Promise<void>;
}

const nanosPerMs = 1_000_000;

class NatsStore implements NatsIdempotencyStore, LinkUser {
  readonly #link: NatsLink;
  readonly #publisher: Publisher;
  readonly #lease: NodeLease;
  readonly #stream: NatsStream;
  readonly keepMs: number;
  readonly #pollMs: number;
  readonly #waitMs: number;
  readonly #maxOutcomeBytes: number;
  /** By key. */
  readonly #running = new Map<string, RunningMutation>();
  /** Claims that may be in the stream, and for which nothing is run. */
  readonly #abandoned = new Map<string, string>();
  #renewal: Deadline | undefined = undefined;

  constructor(options: NatsIdempotencyOptions) {
    this.keepMs = options.keepMs ?? defaultKeepMs;
    this.#pollMs = options.pollMs ?? defaultPollMs;
    this.#waitMs = options.waitMs ?? defaultWaitMs;
    this.#maxOutcomeBytes = options.maxOutcomeBytes ?? defaultMaxOutcomeBytes;
    this.#link = new NatsLink(linkSettings(options));
    this.#publisher = new Publisher(this.#link, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const leases = new LeaseTable(this.#link, this.#publisher);
    this.#lease = new NodeLease(leases, options.leaseMs ?? defaultLeaseMs, () => this.#link.now());
    const config = { max_msgs_per_subject: 1, max_age: this.keepMs * nanosPerMs };
    this.#stream = new NatsStream(this.#link, { label: "mutations", subject: `${this.#subject}.>`, config });
    this.#link.attach(this);
  }

  /** The stream's: another one is there from when what was stored is lost. */
  get name(): string | undefined {
    return this.#stream.ref?.name;
  }

  async ready(): Promise<void> {
    try {
      await this.#link.whenUp(this.#waitMs);
      await this.#stream.open();
    } catch {
      // It is away. The name is there when it is.
    }
  }

  async claim(key: string, again?: string): Promise<CallOutcome | undefined> {
    const subject = `${this.#subject}.${createHash("sha256").update(key).digest("base64url")}`;
    try {
      return await this.#claim(key, subject, again);
    } catch (error) {
      // Whether it was run before is what was to be found out.
      if (again !== undefined && isAway(error)) throw nobodyKnows(error);
      throw error;
    }
  }

  /** Resolves when it is stored, however long that takes. @throws TautlineError `CONNECTION_CLOSED` */
  async settle(key: string, outcome: CallOutcome): Promise<void> {
    const running = this.#running.get(key);
    if (running === undefined) return;
    const written = writeOutcome(outcome, this.#maxOutcomeBytes);
    running.work = running.work.then(() => this.#store(running, written));
    try {
      await running.work;
    } finally {
      this.#running.delete(key);
    }
  }

  onUp(): void {
    this.#stream.open().catch(this.#link.settings.onError);
    if (this.#running.size > 0) this.#renew();
    this.#takeBack().catch(this.#link.settings.onError);
  }

  /** The leases may be gone with the server. */
  onDown(): void {
    this.#lease.forget();
  }

  async close(): Promise<void> {
    if (!this.#link.closed) await this.#lease.release().catch(() => {});
    this.#renewal?.cancel();
    await this.#link.close();
  }

  get #subject(): string {
    return `${this.#link.settings.prefix}-mutation`;
  }

  async #claim(key: string, subject: string, again: string | undefined): Promise<CallOutcome | undefined> {
    await this.#link.whenUp(this.#waitMs);
    // Who finds a claim of this node's finds that it lives.
    await this.#lease.hold();
    const { name } = await this.#stream.open();
    const isLost = again !== undefined && again !== name;
    for (let after = 0; ; ) {
      const outgoing = { subject, after, ...(again === undefined ? {} : { stream: again }) };
      const running = isLost ? undefined : await this.#write(name, outgoing);
      if (running !== undefined) {
        this.#running.set(key, running);
        this.#renewLater();
        return undefined;
      }
      const record = await this.#awaitEnd(key, subject, name);
      if (record.outcome !== undefined) return readOutcome(record.outcome);
      if (isLost) throw nobodyKnows();
      after = record.sequence;
    }
  }

  /** Writes a claim; undefined where somebody else has. */
  async #write(name: string, outgoing: Omit<Outgoing, "payload">): Promise<RunningMutation | undefined> {
    const claim = randomId();
    const { subject } = outgoing;
    const running = { subject, claim, writtenAt: this.#link.now(), work: Promise.resolve() };
    try {
      const payload = encodeRecord({ claim, node: this.#lease.node });
      const answer = await this.#publisher.publish(this.#stream, { ...outgoing, payload, id: claim }, this.#waitMs);
      if (answer.type === "stored") return { ...running, sequence: answer.sequence };
      // An answer may have been lost: it may be ours.
      const record = await this.#read(subject, name);
      return record?.claim === claim ? { ...running, sequence: record.sequence } : undefined;
    } catch (error) {
      this.#abandoned.set(subject, claim);
      throw isAway(error) || this.#link.closed ? error : away(error);
    }
  }

  /** Waits until the claim that is there has come to something, or was taken back. */
  async #awaitEnd(key: string, subject: string, name: string): Promise<FoundRecord> {
    let livedAt = this.#link.now();
    for (;;) {
      const record = await this.#read(subject, name);
      if (record === undefined) throw nobodyKnows();
      if (record.outcome !== undefined || record.takenBack === true) return record;
      const lives = this.#has(key, subject, record) || (await this.#lease.isHeldBy(record.node));
      if (lives) livedAt = this.#link.now();
      else if (this.#link.now() - livedAt >= this.#lease.renewalMs) throw nobodyKnows();
      await this.#link.pause(this.#pollMs);
      this.#link.check();
    }
  }

  /** Whether a claim is this node's own. */
  #has(key: string, subject: string, { claim }: MutationRecord): boolean {
    return this.#running.get(key)?.claim === claim || this.#abandoned.get(subject) === claim;
  }

  async #read(subject: string, name: string): Promise<FoundRecord | undefined> {
    try {
      const place = await this.#stream.lastOf(name, subject);
      return place && { ...decodeRecord(place.data), sequence: place.sequence };
    } catch (error) {
      if (!(error instanceof StreamLost)) throw error;
      this.#stream.lost(name);
      // So that it has a name again.
      this.#stream.open().catch(this.#link.settings.onError);
      throw nobodyKnows(error);
    }
  }

  async #store(running: RunningMutation, outcome: WrittenOutcome): Promise<void> {
    const { claim } = running;
    try {
      while (!(await this.#replace(running, { claim, node: this.#lease.node, outcome })))
        await this.#link.pause(this.#pollMs);
    } catch (error) {
      // NATS takes less in one message than is to be kept.
      if (codeOf(error) !== "PAYLOAD_TOO_LARGE") throw error;
      await this.#store(running, "unkept");
    }
  }

  /** Puts something in the place of a record, unless it is no longer ours; false where it is to be tried again. */
  async #replace(running: RunningMutation, record: MutationRecord): Promise<boolean> {
    const { subject, sequence } = running;
    try {
      const outgoing = { subject, payload: encodeRecord(record), id: randomId(), after: sequence };
      const answer = await this.#publisher.publish(this.#stream, outgoing, this.#waitMs);
      if (answer.type === "stored") running.sequence = answer.sequence;
      running.writtenAt = this.#link.now();
      return true;
    } catch (error) {
      this.#link.check();
      if (codeOf(error) === "PAYLOAD_TOO_LARGE") throw error;
      return !isAway(error) && !(await this.#isStill(running).catch(isAway));
    }
  }

  /** Whether a record is there as it was written last. */
  async #isStill({ subject, claim, sequence }: RunningMutation): Promise<boolean> {
    const { name } = await this.#stream.open();
    const record = await this.#read(subject, name);
    return record?.claim === claim && record.sequence === sequence;
  }

  #renewLater(): void {
    if (this.#link.closed || this.#running.size === 0) return;
    this.#renewal ??= this.#link.deadlines.add(this.#lease.renewalMs, () => {
      this.#renewal = undefined;
      if (this.#link.connection !== undefined) this.#renew();
      this.#renewLater();
    });
  }

  /** Shows that this node lives, and keeps the records of what has been running for long. */
  #renew(): void {
    this.#lease.forget();
    this.#lease.hold().catch(this.#link.settings.onError);
    for (const running of this.#running.values()) {
      if (this.#link.now() - running.writtenAt < this.keepMs / 2) continue;
      const record = { claim: running.claim, node: this.#lease.node };
      running.work = running.work.then(async () => void (await this.#replace(running, record)));
      running.work.catch(this.#link.settings.onError);
    }
  }

  /** What was claimed for nothing can be claimed again. */
  async #takeBack(): Promise<void> {
    for (const [subject, claim] of this.#abandoned) {
      const { name } = await this.#stream.open();
      const record = await this.#read(subject, name);
      if (record?.claim === claim) {
        const payload = encodeRecord({ claim, node: this.#lease.node, takenBack: true });
        const outgoing = { subject, payload, id: randomId(), after: record.sequence };
        await this.#publisher.publish(this.#stream, outgoing, this.#waitMs);
      }
      this.#abandoned.delete(subject);
    }
  }
}

function isAway(error: unknown): boolean {
  return codeOf(error) === "SERVICE_UNAVAILABLE";
}

function codeOf(error: unknown): string | undefined {
  return error instanceof TautlineError ? error.code : undefined;
}
