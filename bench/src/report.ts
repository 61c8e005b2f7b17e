import { type Measurement, ratioOf, type Spread, spreadOf } from "./measurement.ts";
import { baseline } from "./peer-registry.ts";
import { findWorkload, type Metric } from "./workload.ts";

const headings: Readonly<Record<Metric, string>> = {
  p50Us: "p50, µs",
  p99Us: "p99, µs",
  perSecond: "per second",
  serverCpuUs: "server CPU, µs each",
  clientCpuUs: "client CPU, µs each",
  rssKb: "RSS, kB each",
};

/** One workload as a markdown table: medians, with the least and the most. */
export function formatMeasurement(measurement: Measurement, peers: readonly string[]): string {
  const { title, metrics, peers: its } = findWorkload(measurement.workload);
  const [compared] = metrics;
  const rows = peers
    .filter((peer) => its.includes(peer))
    .map((peer) => {
      const failure = measurement.failures.get(peer);
      if (failure !== undefined) return [peer, `failed: ${failure.split("\n")[0] ?? ""}`];
      const figures = metrics.map((metric) => formatSpread(spreadOf(measurement, peer, metric), formatNumber));
      return [peer, formatSpread(ratioOf(measurement, peer, compared), formatRatio), ...figures];
    });
  const heading = ["peer", `× ${baseline} (${headings[compared]})`, ...metrics.map((metric) => headings[metric])];
  return `### ${title}\n\n${formatTable(heading, rows)}`;
}

/** All workloads in one table: how many times the baseline's figure each peer's is. */
export function formatSummary(measurements: readonly Measurement[], peers: readonly string[]): string {
  const rows = measurements.flatMap((measurement) => {
    const { title, metrics } = findWorkload(measurement.workload);
    const shown = metrics.filter((metric) => metric !== "p99Us" && metric !== "clientCpuUs");
    return shown.map((metric) => [
      `${title}: ${headings[metric]}`,
      ...peers.map((peer) => formatRatio(ratioOf(measurement, peer, metric)?.median)),
    ]);
  });
  return `### Times ${baseline}\n\n${formatTable(["workload", ...peers], rows)}`;
}

export function formatRatio(value: number | undefined): string {
  return value === undefined ? "–" : `${value.toFixed(2)}×`;
}

function formatSpread(spread: Spread | undefined, format: (value: number) => string): string {
  if (spread === undefined) return "–";
  return `${format(spread.median)} (${format(spread.least)}–${format(spread.most)})`;
}

function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${heading.map((_, index) => (cells[index] ?? "–").replaceAll("|", "/")).join(" | ")} |`;
  const rule = `| --- |${" ---: |".repeat(heading.length - 1)}`;
  return [line(heading), rule, ...rows.map(line), ""].join("\n");
}
