import { createClient } from "@tautline/client";
import { findViolations, History, SeededRandom } from "@tautline/core/testing";
import { serve } from "@tautline/server";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach, turn, until } from "../fixture/cleanup.ts";
import { createLoggedRouter, type LoggedClient, type LoggedRouter, makeCall } from "../fixture/logged-calls.ts";
import { type Fault, type Route, startTcpProxy, type TcpProxy } from "../fixture/tcp-proxy.ts";
import { settlesWithin } from "../fixture/time-limit.ts";

cleanUpAfterEach();

const schedules = Number(process.env["TAUTLINE_SCHEDULES"] ?? (process.env["CI"] ? 200 : 40));
const firstSeed = Number(process.env["TAUTLINE_SEED"] ?? Math.floor(Math.random() * 1_000_000));
const runsAtOnce = 20;
const stuckAfterMs = 30_000;
const roundsOfCalls = 6;

/** Where a connection is most likely to be hurt: in its handshake, its hello and welcome, its replay, or far on. */
const places = [300, 700, 3_000, 60_000] as const;

function randomFault(random: SeededRandom, mayStallForGood: boolean): Fault {
  const type = random.pick(["cut", "cut", "reset", "reset", "stall"] as const);
  const place = { direction: random.pick(["up", "down"] as const), atByte: random.integer(0, random.pick(places)) };
  if (type !== "stall") return { ...place, type };
  return mayStallForGood && random.chance(0.3) ? { ...place, type } : { ...place, type, turns: random.integer(1, 200) };
}

function randomRoute(random: SeededRandom, mayStallForGood: boolean): Route {
  const faults = Array.from({ length: random.integer(1, 3) }, () => randomFault(random, mayStallForGood));
  const delayTurns = random.chance(0.3) ? random.integer(1, 5) : 0;
  if (random.chance(0.15)) return { faults, delayTurns, segmentBytes: random.integer(1, 40) };
  return { faults, delayTurns };
}

interface Outcome {
  readonly seed: number;
  readonly violations: readonly { readonly message: string }[];
  /** Connections that were made. */
  readonly connections: number;
  readonly calls: number;
  readonly faults: number;
}

interface ScheduleOptions {
  /** Whether sessions end with their connections, so that every cut loses one. */
  readonly losing: boolean;
}

/** One schedule: a server, a proxy that harms its connections, two clients, and what came of it all. */
async function runSchedule(seed: number, { losing }: ScheduleOptions): Promise<Outcome> {
  const random = new SeededRandom(seed);
  const history = new History(performance);
  const routes = Array.from({ length: random.integer(2, 12) }, () => randomRoute(random, !losing));
  const server = await serve({
    host: "127.0.0.1",
    router: createLoggedRouter(history),
    createContext: ({ info }) => ({ client: info.connectionParams?.["client"] ?? "nobody" }),
    onError: () => {},
    sessionWindowMs: losing ? 0 : 60_000,
    heartbeatMs: 250,
    deadAfterMs: 250,
  });
  const proxy = await startTcpProxy(server.url, (index) => routes[index] ?? {});
  const callers = ["one", "two"].map((name) => createCaller(`${seed} ${name}`, proxy, { history, random }));
  for (const caller of callers) {
    if (losing) excuseEveryCut(caller);
    else excuseLateHellos(caller);
  }

  // What has not settled then the checker finds.
  await settlesWithin(stuckAfterMs, Promise.all(callers.map((caller) => runCalls(caller, random))));
  for (const { client } of callers) client.connection.close();
  await until("the connections are gone", () => server.connections === 0);
  await proxy.close();
  await server.close({ drainMs: 0 });
  // Handlers that do not heed their signal come to their next item first.
  const countOf = (type: string): number => history.entries.filter((entry) => entry.type === type).length;
  await until("the handlers have left", () => countOf("left") >= countOf("entered"));
  history.add("measured", { what: "left: connections", amount: server.connections, most: 0 });
  history.add("measured", { what: "left: parked sessions", amount: server.parkedSessions, most: 0 });
  const { length: calls } = history.entries.filter(({ type }) => type === "called");
  const faults = proxy.connections.reduce((total, connection) => total + connection.faults.length, 0);
  return { seed, violations: findViolations(history), connections: proxy.connections.length, calls, faults };
}

function createCaller(
  name: string,
  { url }: TcpProxy,
  { history, random }: { history: History; random: SeededRandom },
): LoggedClient {
  const client = createClient<LoggedRouter>({
    url,
    connectionParams: { client: name },
    backoff: { baseMs: 1, maxMs: 4 },
    connectTimeoutMs: 1_000,
    heartbeatMs: 250,
    deadAfterMs: 250,
    random: random.next,
  });
  return { name, client, history };
}

/** Where sessions are not kept, each connection that goes explains a loss. */
function excuseEveryCut({ name, client, history }: LoggedClient): void {
  client.connection.subscribe(({ status }) => {
    if (status === "reconnecting") history.add("excuse", { client: name, why: "cut" });
  });
}

/**
 * A hello that is held up may come to the server when its client has given the connection up and opened another session. What
 * went with it is then run for nobody, and its session waits in vain.
 */
function excuseLateHellos({ name, client, history }: LoggedClient): void {
  let welcomed = false;
  client.connection.subscribe((state) => {
    welcomed ||= state.status === "online";
    if (welcomed || state.status !== "reconnecting" || !state.reason.message.startsWith("no ")) return;
    history.add("excuse", { client: name, why: "a hello that is held up" });
  });
}

async function runCalls(caller: LoggedClient, random: SeededRandom): Promise<void> {
  // A mutation whose hello is cut has no session to go on in: every-byte.test.ts has it.
  const calls = [makeCall(caller, random, ["tracked", "untracked", "query"])];
  await makeCall(caller, random, ["query"]);
  for (let round = 0; round < roundsOfCalls; round++) {
    for (let left = random.integer(1, 4); left > 0; left--) calls.push(makeCall(caller, random));
    for (let turns = random.integer(0, 40); turns > 0; turns--) await turn();
    // Now and then all is quiet before it goes on.
    if (random.chance(0.3)) await Promise.all(calls);
  }
  await Promise.all(calls);
}

/** Runs schedules, several at a time, with seeds in a row. */
async function runSchedules(count: number, options: ScheduleOptions): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = firstSeed;
  const work = async (): Promise<void> => {
    while (next < firstSeed + count) outcomes.push(await runSchedule(next++, options));
  };
  await Promise.all(Array.from({ length: runsAtOnce }, work));
  return outcomes;
}

/** What a run of them was made of: a test that does not harm proves nothing. */
function summary(outcomes: readonly Outcome[]): string {
  const sum = (key: "connections" | "calls" | "faults"): number =>
    outcomes.reduce((total, outcome) => total + outcome[key], 0);
  const summed = { calls: sum("calls"), connections: sum("connections"), faults: sum("faults") };
  expect(summed.faults).toBeGreaterThan(outcomes.length);
  return JSON.stringify(summed);
}

describe(`${schedules} random schedules of faults over real sockets, from TAUTLINE_SEED=${firstSeed} on`, () => {
  it("break no invariant while sessions live", { timeout: 200_000 }, async ({ annotate }) => {
    const outcomes = await runSchedules(schedules, { losing: false });
    await annotate(summary(outcomes));
    expect(outcomes.filter(({ violations }) => violations.length > 0)).toEqual([]);
  });

  it("break none where every cut loses the session", { timeout: 200_000 }, async ({ annotate }) => {
    const outcomes = await runSchedules(schedules / 4, { losing: true });
    await annotate(summary(outcomes));
    expect(outcomes.filter(({ violations }) => violations.length > 0)).toEqual([]);
  });
});
