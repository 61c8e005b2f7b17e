import { type Measurement, ratioOf } from "./measurement.ts";
import { baseline } from "./peer-registry.ts";
import { formatRatio } from "./report.ts";
import { findWorkload, type Metric } from "./workload.ts";

/** A figure that the product promises, as a multiple of the baseline's in the same run. */
interface Target {
  readonly workload: string;
  readonly peer: string;
  readonly metric: Metric;
  readonly atMost?: number;
  readonly atLeast?: number;
}

const targets: readonly Target[] = [
  { workload: "seq", peer: "tautline", metric: "p50Us", atMost: 1.3 },
  { workload: "pipe", peer: "tautline", metric: "perSecond", atLeast: 1 },
  { workload: "stream", peer: "tautline", metric: "perSecond", atLeast: 6 },
  { workload: "download", peer: "tautline-contract", metric: "perSecond", atLeast: 6 },
  { workload: "bytes", peer: "tautline-rich", metric: "perSecond", atLeast: 0.95 },
];

export interface Verdict {
  readonly text: string;
  /** Undefined where it was not measured. */
  readonly holds: boolean | undefined;
}

export function judgeTargets(measurements: readonly Measurement[]): Verdict[] {
  return targets.map((target) => {
    const measurement = measurements.find(({ workload }) => workload === target.workload);
    const ratio = measurement && ratioOf(measurement, target.peer, target.metric);
    const { atMost = Number.POSITIVE_INFINITY, atLeast = 0 } = target;
    const holds = ratio && ratio.median <= atMost && ratio.median >= atLeast;
    const verdict =
      holds === undefined ? "not measured" : `${formatRatio(ratio?.median)}: ${holds ? "holds" : "MISSED"}`;
    return { text: `${describe(target)}: ${verdict}`, holds };
  });
}

function describe({ workload, peer, metric, atMost, atLeast }: Target): string {
  const bound = atMost === undefined ? `≥ ${formatRatio(atLeast)}` : `≤ ${formatRatio(atMost)}`;
  const figure = metric === "p50Us" ? "p50" : "calls/s";
  return `${findWorkload(workload).title}: ${peer}'s ${figure} ${bound} ${baseline}'s`;
}
