import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { findViolations, History, SeededRandom } from "@tautline/core/testing";
import { type Break, startBreakingProxy } from "./breaking-proxy.ts";
import type { System, SystemClient } from "./system.ts";

/** What came of one schedule. */
export interface Outcome {
  readonly seed: number;
  /** Invariants that were violated, each once, and by what first. */
  readonly violations: ReadonlyMap<string, string>;
  readonly breaks: number;
  readonly calls: number;
  /** Calls whose caller was told of a failure, and those among them whose handler had been started. */
  readonly failed: number;
  readonly failedThoughStarted: number;
}

/** Where a connection is most likely to be hurt: in its handshake, soon after it, far on. */
const places = [400, 1_500, 6_000] as const;
const settleWithinMs = 10_000;

/** One server, one client, connections that break as the seed has it, and what the history says of it. */
export async function runSchedule(system: System, seed: number): Promise<Outcome> {
  const random = new SeededRandom(seed);
  const history = new History(performance);
  const breaks = Array.from({ length: random.integer(1, 8) }, () => randomBreak(random));
  const server = await system.serve(history);
  const proxy = await startBreakingProxy(server.port, breaks);
  const name = `client ${seed}`;
  const onExcuse = (): void => history.add("excuse", { client: name, why: "the connection was lost" });
  const client = system.connect({ port: proxy.port, name, onExcuse });
  await Promise.race([runCalls({ client, name, history }, random), sleep(settleWithinMs, undefined, { ref: false })]);
  client.close();
  await proxy.close();
  await server.close();
  await untilHandlersHaveLeft(history);
  return { seed, ...readHistory(history), breaks: proxy.broken };
}

function randomBreak(random: SeededRandom): Break {
  return {
    direction: random.pick(["up", "down"] as const),
    atByte: random.integer(1, random.pick(places)),
    reset: random.chance(0.5),
  };
}

interface Caller {
  readonly client: SystemClient;
  readonly name: string;
  readonly history: History;
}

async function runCalls(caller: Caller, random: SeededRandom): Promise<void> {
  const calls = [read(caller, "counter", random)];
  for (let call = 0; call < 40; call++) {
    calls.push(request(caller, random.pick(["query", "mutation", "mutation"] as const), `call ${call}`, random));
    for (let turns = random.integer(0, 12); turns > 0; turns--) await turn();
  }
  await Promise.all(calls);
}

async function request(caller: Caller, kind: "query" | "mutation", call: string, random: SeededRandom): Promise<void> {
  const { client, name, history } = caller;
  history.add("called", { call, client: name, kind });
  try {
    const { run } = await client.request(kind, { call, turns: random.integer(0, 8), items: 0 });
    history.add("settled", { call, outcome: "ok", run });
  } catch {
    history.add("settled", { call, outcome: "OUTCOME_UNKNOWN" });
  }
}

async function read({ client, name, history }: Caller, call: string, random: SeededRandom): Promise<void> {
  history.add("called", { call, client: name, kind: "tracked" });
  const input = { call, turns: random.integer(1, 3), items: 200 };
  try {
    await client.read(input, {
      onItem: ({ run, position }) => history.add("received", { call, run, position }),
      onGap: () => history.add("gap", { call }),
    });
    history.add("settled", { call, outcome: "ok" });
  } catch {
    history.add("settled", { call, outcome: "SESSION_LOST" });
  }
}

/** What a handler does after its client has gone is its own affair, for a while. */
async function untilHandlersHaveLeft({ entries }: History): Promise<void> {
  const deadline = performance.now() + 2000;
  const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
  while (count("left") < count("entered") && performance.now() < deadline) await sleep(5);
}

function readHistory(history: History): Omit<Outcome, "seed" | "breaks"> {
  const violations = new Map<string, string>();
  for (const { invariant, message } of findViolations(history)) {
    if (!violations.has(invariant)) violations.set(invariant, message);
  }
  const started = new Set<string>();
  const failed: string[] = [];
  let calls = 0;
  for (const entry of history.entries) {
    if (entry.type === "called") calls++;
    else if (entry.type === "entered") started.add(entry.call);
    else if (entry.type === "settled" && entry.outcome !== "ok") failed.push(entry.call);
  }
  const failedThoughStarted = failed.filter((call) => started.has(call)).length;
  return { violations, calls, failed: failed.length, failedThoughStarted };
}
