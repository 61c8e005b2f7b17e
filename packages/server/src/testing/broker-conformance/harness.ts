import type {
  Broker,
  FollowListener,
  HistoryLimits,
  HistoryQuery,
  Position,
  PositionGap,
  StoredEvent,
} from "../../broker.ts";

/** A backend to test brokers with. What is left out is not tested. */
export interface BrokerHarness {
  /** Another node's broker, for the same backend. The harness closes them when the test is over. */
  createBroker(): Promise<Broker>;
  /** Lets so many ms pass, by the time that the backend goes by. */
  pass(ms: number): Promise<void>;
  /** Cuts a broker off the backend, which goes on for the others. Resolves when the broker knows. */
  cut?(broker: Broker): Promise<void>;
  /** Lets it through again. */
  restore?(broker: Broker): Promise<void>;
  /** Empties the backend. */
  flush?(): Promise<void>;
  /** What there is in the backend at present: keys, consumers, listeners, however it counts. */
  entries?(): Promise<number>;
}

/** One test of the suite. */
export interface BrokerTest {
  /** A sentence about brokers. */
  readonly name: string;
  /** What of the harness it cannot do without. */
  readonly needs?: readonly (keyof BrokerHarness)[];
  /** Rejects where the broker does not do what the test's name says. */
  readonly run: (harness: BrokerHarness) => Promise<void>;
}

/** Limits that nothing in these tests is over. */
export const roomy: HistoryLimits = { maxEvents: 10_000, maxAgeMs: 3_600_000, maxBytes: 64 * 1024 * 1024 };
/** A whole log in one page. */
export const all: HistoryQuery = { limit: 10_000, maxBytes: Number.POSITIVE_INFINITY };
/** Publishes that wait as long as they need to. */
export const patient = { waitMs: 20_000 };
/** Publishes that do not. */
export const hasty = { waitMs: 0 };

/** How often something that takes its time is looked at, and how far apart. */
const looks = 2_000;
const lookMs = 5;

/** Lets time pass until something is so. */
export async function eventually(
  harness: BrokerHarness,
  what: string,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let look = 0; look < looks; look++) {
    if (await isSo()) return;
    await harness.pass(lookMs);
  }
  throw new Error(`still not so: ${what}`);
}

/** Writes down what it hears. */
export class Witness implements FollowListener {
  readonly started: Position[] = [];
  readonly events: StoredEvent[] = [];
  readonly gaps: PositionGap[] = [];
  /** Everything in its order: texts, and "gap". */
  readonly heard: string[] = [];
  #onHeard: ((text: string) => void) | undefined;

  /** @param onHeard is called with each text. */
  constructor(onHeard?: (text: string) => void) {
    this.#onHeard = onHeard;
  }

  get texts(): readonly string[] {
    return this.events.map(({ text }) => text);
  }

  onStarted(at: Position): void {
    this.started.push(at);
  }

  onEvent(event: StoredEvent): void {
    this.events.push(event);
    this.heard.push(event.text);
    this.#onHeard?.(event.text);
  }

  onGap(gap: PositionGap): void {
    this.gaps.push(gap);
    this.heard.push("gap");
  }
}

/** `prefix1`, `prefix2`, … */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}
