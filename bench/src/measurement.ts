import type { Sample } from "./command-channel.ts";
import { baseline } from "./peer-registry.ts";
import type { Metric } from "./workload.ts";

/** What one peer did in one round. */
export type Round = Readonly<Partial<Record<Metric, number>>>;

/** What the peers did in one workload; a peer's rounds are in the order in which they were run. */
export interface Measurement {
  readonly workload: string;
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
  /** Peers that could not go on, and why. */
  readonly failures: ReadonlyMap<string, string>;
}

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function toRound({ count, durationMs, cpuUs, latenciesUs }: Sample, serverCpuUs: number): Round {
  return {
    perSecond: (count * 1000) / durationMs,
    clientCpuUs: cpuUs / count,
    serverCpuUs: serverCpuUs / count,
    ...(latenciesUs && { p50Us: quantile(latenciesUs, 0.5), p99Us: quantile(latenciesUs, 0.99) }),
  };
}

/** Undefined where the peer has nothing of the kind. */
export function spreadOf(measurement: Measurement, peer: string, metric: Metric): Spread | undefined {
  return spread((measurement.rounds.get(peer) ?? []).map((round) => round[metric]));
}

/**
 * How many times the baseline's figure a peer's is: taken in each round by itself, since what else the machine does falls on
 * neighbours alike.
 */
export function ratioOf(measurement: Measurement, peer: string, metric: Metric): Spread | undefined {
  const base = measurement.rounds.get(baseline) ?? [];
  return spread(
    (measurement.rounds.get(peer) ?? []).map((round, index) => divide(round[metric], base[index]?.[metric])),
  );
}

function divide(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}

function spread(values: readonly (number | undefined)[]): Spread | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) return undefined;
  return { median: quantile(sorted, 0.5), least, most };
}

export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below === undefined || above === undefined ? Number.NaN : below + (above - below) * (at % 1);
}
