import { deepStrictEqual } from "node:assert/strict";
import { createBytes, createPayload } from "./application.ts";
import type { Sample } from "./command-channel.ts";
import type { Client } from "./peer.ts";
import { bytesPeers, downloadPeers, jsonPeers } from "./peer-registry.ts";
import { applicationHeap } from "./pinned-process.ts";

/** What is measured of one. The first is what peers are compared by. */
export type Metric = "p50Us" | "p99Us" | "perSecond" | "serverCpuUs" | "clientCpuUs" | "rssKb";

/** Uses the clients for about so long. Throws, or rejects, where a result is wrong. */
type Run = (clients: readonly Client[], durationMs: number) => Promise<Omit<Sample, "cpuUs">>;

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly connections: number;
  /** Those that it is for. */
  readonly peers: readonly string[];
  /** For both processes. */
  readonly nodeArgs?: readonly string[];
  readonly metrics: readonly [Metric, ...Metric[]];
  /** Left out where the connections are opened and nothing is done with them. */
  readonly run?: Run;
}

const throughput = ["perSecond", "serverCpuUs", "clientCpuUs"] as const;

export const workloads: readonly Workload[] = [
  {
    name: "seq",
    title: "Sequential calls",
    connections: 1,
    peers: jsonPeers,
    metrics: ["p50Us", "p99Us", ...throughput],
    run: runSequential,
  },
  {
    name: "pipe",
    title: "64 calls in flight",
    connections: 1,
    peers: jsonPeers,
    metrics: throughput,
    run: runAdds(64),
  },
  {
    name: "wide",
    title: "512 calls in flight",
    connections: 1,
    peers: jsonPeers,
    metrics: throughput,
    run: runAdds(512),
  },
  {
    name: "many",
    title: "200 connections, 4 calls in flight on each",
    connections: 200,
    peers: jsonPeers,
    metrics: throughput,
    run: runAdds(4),
  },
  {
    name: "echo",
    title: "Echo of 10 kB of JSON, 8 in flight",
    connections: 1,
    peers: jsonPeers,
    metrics: throughput,
    run: runEchoes(8),
  },
  {
    name: "bytes",
    title: "Echo of 64 kB of bytes, 8 in flight",
    connections: 1,
    peers: bytesPeers,
    nodeArgs: applicationHeap,
    metrics: throughput,
    run: runByteEchoes(8),
  },
  {
    name: "stream",
    title: "A stream of 100,000 items",
    connections: 1,
    peers: jsonPeers,
    metrics: throughput,
    run: runStream(100_000, (client, count, onItem) => client.stream(count, onItem)),
  },
  {
    name: "download",
    title: "A stream of 100,000 items in a query's answer",
    connections: 1,
    peers: downloadPeers,
    metrics: throughput,
    run: runStream(100_000, (client, count, onItem) => {
      if (client.download === undefined) throw new Error("a peer without downloads");
      return client.download(count, onItem);
    }),
  },
  {
    name: "idle",
    title: "1,000 idle connections, server memory for each",
    connections: 1000,
    peers: jsonPeers,
    metrics: ["rssKb"],
  },
];

/** @throws Error where there is none of this name. */
export function findWorkload(name: string): Workload {
  const workload = workloads.find((candidate) => candidate.name === name);
  if (workload === undefined) throw new Error(`no workload "${name}"`);
  return workload;
}

async function runSequential(clients: readonly Client[], durationMs: number): Promise<Omit<Sample, "cpuUs">> {
  const [client] = clients;
  if (client === undefined) throw new Error("no connection");
  const latenciesUs: number[] = [];
  const start = performance.now();
  let last = start;
  while (last - start < durationMs) {
    await checkedAdd(client, latenciesUs.length);
    const now = performance.now();
    latenciesUs.push((now - last) * 1000);
    last = now;
  }
  latenciesUs.sort((a, b) => a - b);
  return { count: latenciesUs.length, durationMs: last - start, latenciesUs };
}

function runAdds(inFlight: number): Run {
  return (clients, durationMs) => runInFlight(clients, inFlight, durationMs, checkedAdd);
}

async function checkedAdd(client: Client, index: number): Promise<void> {
  if ((await client.add(index, 7)) !== index + 7) throw new Error("a wrong sum");
}

function runEchoes(inFlight: number): Run {
  const payload = createPayload();
  return async (clients, durationMs) => {
    for (const client of clients) deepStrictEqual(await client.echo(payload), payload);
    return runInFlight(clients, inFlight, durationMs, async (client, index) => {
      const { rows, total } = await client.echo(payload);
      const row = index % payload.total;
      if (total !== payload.total || rows[row]?.id !== row) throw new Error("a wrong echo");
    });
  };
}

function runByteEchoes(inFlight: number): Run {
  const bytes = createBytes();
  const echo = async (client: Client): Promise<Uint8Array> => {
    if (client.echoBytes === undefined) throw new Error("a peer without bytes");
    return client.echoBytes(bytes);
  };
  return async (clients, durationMs) => {
    for (const client of clients) deepStrictEqual(Uint8Array.from(await echo(client)), bytes);
    return runInFlight(clients, inFlight, durationMs, async (client, index) => {
      const echoed = await echo(client);
      const place = index % bytes.length;
      if (echoed.length !== bytes.length || echoed[place] !== bytes[place]) throw new Error("a wrong echo");
    });
  };
}

/** Keeps so many calls in flight on each connection, and begins none after the time is over. */
async function runInFlight(
  clients: readonly Client[],
  inFlight: number,
  durationMs: number,
  call: (client: Client, index: number) => Promise<void>,
): Promise<Omit<Sample, "cpuUs">> {
  const start = performance.now();
  let count = 0;
  const keepCalling = async (client: Client, first: number): Promise<void> => {
    for (let index = first; performance.now() - start < durationMs; index++) {
      await call(client, index);
      count++;
    }
  };
  await Promise.all(clients.flatMap((client) => Array.from({ length: inFlight }, (_, i) => keepCalling(client, i))));
  return { count, durationMs: performance.now() - start };
}

type GetItems = (client: Client, count: number, onItem: (item: number) => void) => Promise<void>;

function runStream(items: number, getItems: GetItems): Run {
  return async ([client]) => {
    if (client === undefined) throw new Error("no connection");
    const start = performance.now();
    let count = 0;
    await getItems(client, items, (item) => {
      if (item !== count++) throw new Error("an item out of order");
    });
    if (count !== items) throw new Error("items are missing");
    return { count, durationMs: performance.now() - start };
  };
}
