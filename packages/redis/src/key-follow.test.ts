import { Deadlines } from "@tautline/core/internals";
import { FakeClock, SeededRandom } from "@tautline/core/testing";
import type { FollowListener, Position, PositionGap, StoredEvent } from "@tautline/server";
import { describe, expect, test } from "vitest";
import { CatchUps } from "./catch-ups.ts";
import { type FollowedTopic, KeyFollow } from "./key-follow.ts";
import type { LogPage } from "./log-page.ts";

const firstSeed = Number(process.env["TAUTLINE_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const schedules = Number(process.env["TAUTLINE_SCHEDULES"] ?? 300);

interface Entry {
  readonly position: Position;
  readonly previous: number | undefined;
  readonly text: string;
}

/** A log and its channel, in which time passes only when the test says so. */
class FakeTopic implements FollowedTopic {
  readonly catchUps: CatchUps;
  readonly pageSize: number;
  /** What is on its way to the node, in its order. */
  messages: string[] = [];
  /** What the server has been asked and has not looked at, and what it has answered and is on its way. */
  reads: (() => void)[] = [];
  answers: (() => void)[] = [];
  ready = true;
  published = 0;
  flushes = 0;
  #entries: Entry[] = [];
  #goneTo = 0;

  constructor(clock: FakeClock, pageSize: number) {
    this.catchUps = new CatchUps(() => this.ready, new Deadlines(clock));
    this.pageSize = pageSize;
  }

  get end(): Position {
    return { epoch: `e${this.flushes}`, offset: this.published };
  }

  /** @param carried whether the channel has it. */
  publish(carried: boolean): void {
    const last = this.#entries.at(-1)?.position.offset ?? this.#goneTo;
    this.published++;
    const entry = { position: this.end, previous: last === 0 ? undefined : last, text: `${this.published}` };
    this.#entries.push(entry);
    if (carried) this.messages.push(`${this.end.epoch}.${entry.previous ?? ""}.${this.published}.${entry.text}`);
  }

  trim(count: number): void {
    const gone = this.#entries.splice(0, count);
    this.#goneTo = gone.at(-1)?.position.offset ?? this.#goneTo;
  }

  flush(): void {
    this.#entries = [];
    this.#goneTo = 0;
    this.flushes++;
  }

  readOn(_key: string, after: Position | undefined): Promise<LogPage> {
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        const page = this.#page(after);
        this.answers.push(() => (this.ready ? resolve(page) : reject(new Error("away"))));
      };
      this.reads.push(answer);
    });
  }

  catchUp(follow: KeyFollow): void {
    this.catchUps.add(follow);
  }

  onClosed(): void {}

  #page(after: Position | undefined): LogPage {
    const { end } = this;
    if (after === undefined) return { events: [], gap: undefined, end, cut: false };
    const from = after.epoch === end.epoch ? after.offset : 0;
    const rest = this.#entries.filter(({ position }) => position.offset > from);
    const events = rest.slice(0, this.pageSize).map(({ position, text }): StoredEvent => ({ position, text }));
    const missing = after.epoch !== end.epoch || from < this.#goneTo;
    const to = { epoch: end.epoch, offset: Math.max(from, this.#goneTo) };
    const cut = rest.length > events.length;
    return {
      events,
      gap: missing ? { from: after, to } : undefined,
      end: (cut ? events.at(-1)?.position : undefined) ?? end,
      cut,
    };
  }
}

class Witness implements FollowListener {
  readonly heard: (number | PositionGap)[] = [];
  started: Position[] = [];

  onStarted(at: Position): void {
    this.started.push(at);
  }

  onEvent({ text }: StoredEvent): void {
    this.heard.push(Number(text));
  }

  onGap(gap: PositionGap): void {
    this.heard.push(gap);
  }

  /** What is wrong with it, once everything has come. */
  violations(published: number): string[] {
    const found: string[] = [];
    let next = (this.started[0]?.offset ?? 0) + 1;
    let excused = false;
    for (const each of this.heard) {
      if (typeof each !== "number") {
        excused = true;
      } else {
        if (each < next) found.push(`${each} again`);
        if (each > next && !excused) found.push(`nothing of ${next} to ${each - 1}`);
        next = each + 1;
        excused = false;
      }
    }
    if (next <= published && !excused) found.push(`nothing of ${next} to ${published}`);
    if (this.started.length !== 1) found.push(`started ${this.started.length} times`);
    return found;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Faults {
  /** The log is trimmed, and flushed. */
  readonly loses?: boolean;
  /** The channel loses messages, and nobody says so. */
  readonly drops?: boolean;
}

/** A random schedule: what is published, carried, answered, lost and trimmed in which order. */
class Schedule {
  readonly topic: FakeTopic;
  readonly witness = new Witness();
  readonly follow: KeyFollow;
  readonly #clock = new FakeClock();
  readonly #random: SeededRandom;
  readonly #faults: Faults;
  #subscribed = false;

  constructor(seed: number, faults: Faults = {}) {
    this.#random = new SeededRandom(seed);
    this.#faults = faults;
    this.topic = new FakeTopic(this.#clock, this.#random.pick([2, 5, 1_000]));
    this.follow = new KeyFollow(this.topic, "key", this.witness);
  }

  async run(): Promise<void> {
    const steps = this.#random.integer(5, 120);
    for (let step = 0; step < steps; step++) {
      this.#step();
      if (this.#random.chance(0.7)) await turn();
    }
    this.topic.ready = true;
    this.topic.catchUps.onReady();
    if (!this.#subscribed) this.#subscribe();
    // What the channel has lost shows at the next event; all else without one.
    if (this.#faults.drops === true || this.#random.chance(0.5)) this.topic.publish(true);
    for (let idle = 0; idle < 5; ) {
      const { messages, reads, answers } = this.topic;
      idle = messages.length + reads.length + answers.length === 0 ? idle + 1 : 0;
      this.#carry(1_000);
      reads.shift()?.();
      answers.shift()?.();
      this.#clock.advance(1_000);
      await turn();
    }
  }

  #step(): void {
    const { topic } = this;
    const happens = this.#random.integer(0, 99);
    if (happens < 35) topic.publish(this.#subscribed);
    else if (happens < 36) for (let count = 0; count < 300; count++) topic.publish(this.#subscribed);
    else if (happens < 65) this.#carry(this.#random.integer(1, 5));
    else if (happens < 77) topic.reads.shift()?.();
    else if (happens < 83) topic.answers.shift()?.();
    else if (happens < 91) this.#toggle();
    else if (happens < 94) this.#turnAway();
    else if (happens < 97) this.#clock.advance(500);
    else if (happens < 98 && this.#faults.drops === true) topic.messages.splice(this.#random.integer(0, 5), 1);
    else if (happens < 99 && this.#faults.loses === true) topic.trim(this.#random.integer(1, 5));
    else if (this.#faults.loses === true) topic.flush();
  }

  #carry(count: number): void {
    for (const message of this.topic.messages.splice(0, count)) this.follow.onMessage(message);
  }

  #toggle(): void {
    if (!this.#subscribed) return this.#subscribe();
    this.#subscribed = false;
    this.topic.messages = [];
    this.follow.onUnsubscribed();
  }

  #subscribe(): void {
    this.#subscribed = true;
    this.follow.onSubscribed();
  }

  #turnAway(): void {
    this.topic.ready = !this.topic.ready;
    if (this.topic.ready) this.topic.catchUps.onReady();
  }
}

describe(`a follow of a key, whatever the order of things (${schedules} seeds from ${firstSeed})`, () => {
  test.each([
    ["hears of each event once and in order, where the log loses nothing", {}],
    ["does so where the channel loses some", { drops: true }],
  ])("%s", async (_, faults) => {
    for (let seed = firstSeed; seed < firstSeed + schedules; seed++) {
      const schedule = new Schedule(seed, faults);
      await schedule.run();
      expect(schedule.witness.violations(schedule.topic.published), `seed ${seed}`).toEqual([]);
      expect(
        schedule.witness.heard.filter((each) => typeof each !== "number"),
        `seed ${seed}`,
      ).toEqual([]);
    }
  });

  test("hears of what is lost as a gap, and of nothing twice", async () => {
    for (let seed = firstSeed; seed < firstSeed + schedules; seed++) {
      const schedule = new Schedule(seed, { loses: true, drops: seed % 2 === 0 });
      await schedule.run();
      expect(schedule.witness.violations(schedule.topic.published), `seed ${seed}`).toEqual([]);
    }
  });
});

test("a follow that was told more than it keeps while it read reads once more", async () => {
  const topic = new FakeTopic(new FakeClock(), 1_000);
  const witness = new Witness();
  const follow = new KeyFollow(topic, "key", witness);
  follow.onSubscribed();
  topic.reads.shift()?.();
  // Exactly one too many: none of them is kept.
  for (let count = 0; count < 257; count++) topic.publish(true);
  for (const message of topic.messages.splice(0)) follow.onMessage(message);
  topic.answers.shift()?.();
  await turn();
  topic.reads.shift()?.();
  topic.answers.shift()?.();
  await turn();
  expect(witness.violations(257)).toEqual([]);
  follow.close();
  follow.onSubscribed();
  expect([topic.reads, topic.answers]).toEqual([[], []]);
});
