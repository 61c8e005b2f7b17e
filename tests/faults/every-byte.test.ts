import { createClient, type RouterClient } from "@tautline/client";
import { initTRPC, tracked } from "@trpc/server";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, turn } from "../fixture/cleanup.ts";
import { collect } from "../fixture/client.ts";
import { startServer } from "../fixture/server.ts";
import { type Direction, type Fault, type ProxiedConnection, type Route, startTcpProxy } from "../fixture/tcp-proxy.ts";
import { settlesWithin } from "../fixture/time-limit.ts";

cleanUpAfterEach();

/** The bytes between two cuts: none in CI, to be quick elsewhere some. */
const thorough = process.env["CI"] ? 1 : 12;
/** For variations, in CI too. */
const coarse = process.env["CI"] ? 4 : 24;
/** Where the cuts begin. */
const start = Number(process.env["TAUTLINE_SEED"] ?? Math.floor(Math.random() * coarse));

function every(stride: number): string {
  return stride === 1 ? "every byte" : `every ${stride}th byte (closer with CI=true; TAUTLINE_SEED=${start})`;
}

const runsAtOnce = 24;
const stuckAfterMs = 30_000;
const items = 6;

const t = initTRPC.create();
const ofRun = t.procedure.input(z.object({ run: z.number(), lastEventId: z.string().nullish() }));

/** What handlers were started, by run. Written by the handlers themselves. */
const started = new Map<number, string[]>();

const noted = ofRun.use(({ path, input, next }) => {
  const paths = started.get(input.run) ?? [];
  started.set(input.run, [...paths, path]);
  return next();
});

const router = t.router({
  ask: noted.query(() => "asked"),
  add: noted.mutation(async () => {
    await turn();
    return "added";
  }),
  slow: noted.mutation(async () => {
    for (let turns = 0; turns < 20; turns++) await turn();
    return "done";
  }),
  count: noted.subscription(async function* () {
    for (let count = 1; count <= items; count++) {
      yield count;
      await turn();
    }
  }),
  log: noted.subscription(async function* ({ input }) {
    for (let id = Number(input.lastEventId ?? 0) + 1; id <= items; id++) {
      yield tracked(`${id}`, id);
      await turn();
    }
  }),
});

type Client = RouterClient<typeof router>;

/** What every run comes to, however often its connection is cut. */
async function runScript(client: Client, run: number): Promise<unknown> {
  const counts = collect(client.count.subscribe({ run }));
  const events = collect(client.log.subscribe({ run }));
  const asked = await client.ask.query({ run });
  const slow = client.slow.mutate({ run });
  const added = [await client.add.mutate({ run }), await client.add.mutate({ run })];
  const together = await Promise.all([client.ask.query({ run }), client.add.mutate({ run }), slow]);
  return { asked, added, together, counts: await counts, events: await events };
}

const expectedResult = {
  asked: "asked",
  added: ["added", "added"],
  together: ["asked", "added", "done"],
  counts: Array.from({ length: items }, (_item, index) => index + 1),
  events: Array.from({ length: items }, (_item, index) => ({ id: `${index + 1}`, data: index + 1 })),
};
const expectedStarts = ["add", "add", "add", "ask", "ask", "count", "log", "slow"];

let runs = 0;

/** Makes its calls, and says what must have come of them. */
type Script = (client: Client, run: number) => Promise<void>;

const everything: Script = async (client, run) => {
  expect(await runScript(client, run)).toEqual(expectedResult);
  expect(started.get(run)?.toSorted()).toEqual(expectedStarts);
};

/** Runs a script over connections that fare as `routes` say; those after them are left alone. */
async function runOver(
  serverUrl: string,
  script: Script,
  routes: readonly Route[],
): Promise<readonly ProxiedConnection[]> {
  const run = ++runs;
  const proxy = await startTcpProxy(serverUrl, (index) => routes[index] ?? {});
  const client: Client = createClient<typeof router>({ url: proxy.url, backoff: { baseMs: 1, maxMs: 4 } });
  try {
    if (!(await settlesWithin(stuckAfterMs, script(client, run)))) throw new Error("it hangs");
  } catch (error) {
    throw new Error(`after ${JSON.stringify(routes)}`, { cause: error });
  } finally {
    client.connection.close();
    await proxy.close();
  }
  return proxy.connections;
}

interface Sweep {
  readonly script: Script;
  /** How the connections before the one that is cut fare. */
  readonly before?: readonly Route[];
  readonly type: "cut" | "reset";
  /** The bytes from one cut to the next. */
  readonly stride: number;
}

/** Runs a script once for each byte of a connection, which ends there. Nearly all of them do: runs differ by a few bytes. */
async function expectToConverge(serverUrl: string, { script, before = [], type, stride }: Sweep): Promise<void> {
  const whole = (await runOver(serverUrl, script, before))[before.length];
  const { up = 0, down = 0 } = whole?.passed ?? {};
  const faults = [...endsOf("up", up, type), ...endsOf("down", down, type)].filter(
    ({ atByte }) => atByte % stride === start % stride,
  );
  const left = [...faults];
  let ended = 0;
  const work = async (): Promise<void> => {
    for (let fault = left.pop(); fault !== undefined; fault = left.pop()) {
      const connections = await runOver(serverUrl, script, [...before, { faults: [fault] }]);
      ended += connections[before.length]?.faults.length ?? 0;
    }
  };
  await Promise.all(Array.from({ length: runsAtOnce }, work));
  expect(faults.length).toBeGreaterThan(700 / stride);
  expect(ended).toBeGreaterThan(faults.length * 0.9);
}

function endsOf(direction: Direction, bytes: number, type: "cut" | "reset"): Fault[] {
  return Array.from({ length: bytes + 1 }, (_byte, atByte) => ({ direction, atByte, type }));
}

/** Ends the first connection where much is in flight. */
const midway: Route = { faults: [{ direction: "down", atByte: 330, type: "cut" }] };

describe("calls, mutations and two subscriptions, one of them tracked, all come through, each handler started once", () => {
  it(`where the connection is cut at ${every(thorough)} of both directions`, { timeout: 120_000 }, async () => {
    const { url } = await startServer({ router });
    await expectToConverge(url, { script: everything, type: "cut", stride: thorough });
  });

  it(`where it is reset at ${every(coarse)} of both directions`, { timeout: 120_000 }, async () => {
    const { url } = await startServer({ router });
    await expectToConverge(url, { script: everything, type: "reset", stride: coarse });
  });

  it(`where the one that resumes is cut at ${every(thorough)} of hello, welcome, acknowledgement and replay`, {
    timeout: 120_000,
  }, async () => {
    const { url } = await startServer({ router });
    await expectToConverge(url, { script: everything, before: [midway], type: "cut", stride: thorough });
  });

  it(`where the third in a row is cut at ${every(coarse)}`, { timeout: 120_000 }, async () => {
    const { url } = await startServer({ router });
    const again: Route = { faults: [{ direction: "down", atByte: 290, type: "reset" }] };
    await expectToConverge(url, { script: everything, before: [midway, again], type: "cut", stride: coarse });
  });
});

it(`a mutation that goes with hello runs once, or its outcome is unknown, where the connection is cut at ${every(thorough)}`, {
  timeout: 120_000,
}, async ({ annotate }) => {
  const { url } = await startServer({ router });
  const outcomes = { added: 0, unknownAndRun: 0, unknownAndNotRun: 0 };
  const addAtOnce: Script = async (client, run) => {
    const outcome: unknown = await client.add.mutate({ run }).catch((error: unknown) => error);
    const starts = started.get(run)?.length ?? 0;
    if (outcome === "added") {
      expect(starts).toBe(1);
      outcomes.added++;
    } else {
      expect(outcome).toMatchObject({ code: "OUTCOME_UNKNOWN" });
      expect(starts).toBeLessThanOrEqual(1);
      if (starts === 1) outcomes.unknownAndRun++;
      else outcomes.unknownAndNotRun++;
    }
    expect(await client.ask.query({ run })).toBe("asked");
  };
  await expectToConverge(url, { script: addAtOnce, type: "cut", stride: thorough });
  await annotate(JSON.stringify(outcomes));
  expect(outcomes.unknownAndRun).toBe(0);
});
