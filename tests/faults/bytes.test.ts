import { createClient, type RouterClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { initTRPC } from "@trpc/server";
import { expect, it } from "vitest";
import { z } from "zod";
import { cleanUpAfterEach, turn } from "../fixture/cleanup.ts";
import { collect } from "../fixture/client.ts";
import { startServer } from "../fixture/server.ts";
import { type Fault, type Route, startTcpProxy } from "../fixture/tcp-proxy.ts";
import { settlesWithin } from "../fixture/time-limit.ts";

cleanUpAfterEach();

/** The bytes between two cuts. */
const stride = process.env["CI"] ? 17 : 97;
/** Where the cuts begin. */
const first = Number(process.env["TAUTLINE_SEED"] ?? Math.floor(Math.random() * stride));
const runsAtOnce = 16;
const stuckAfterMs = 30_000;

const t = initTRPC.create({ transformer: rich });

/** How often each mutation was started, by run and number. Written by the handler itself. */
const starts = new Map<string, number>();

const router = t.router({
  ask: t.procedure.query(() => "asked"),
  double: t.procedure
    .input(z.object({ key: z.string(), body: z.instanceof(Uint8Array), at: z.date() }))
    .mutation(async ({ input }) => {
      starts.set(input.key, (starts.get(input.key) ?? 0) + 1);
      await turn();
      return { body: Uint16Array.from(input.body, (byte) => byte * 2), at: input.at };
    }),
  bodies: t.procedure.input(z.number()).subscription(async function* ({ input }) {
    for (let count = 0; count < input; count++) {
      yield new Uint8Array(150).fill(count);
      await turn();
    }
  }),
});

const bodyOf = (number: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: 200 * number + 1 }, (_, at) => at);

/** Mutations that take bytes and give some, one after the other and together, and a subscription that gives some all the while. */
async function runScript(client: RouterClient<typeof router>, run: number): Promise<void> {
  expect(await client.ask.query()).toBe("asked");
  const items = collect(client.bodies.subscribe(8));
  const double = async (number: number): Promise<void> => {
    const [key, body, at] = [`${run}:${number}`, bodyOf(number), new Date(number)] as const;
    const answer = client.double.mutate({ key, body, at });
    // What becomes of it from now on is no concern of the call's.
    body.fill(0);
    expect(await answer).toStrictEqual({ body: Uint16Array.from(bodyOf(number), (byte) => byte * 2), at });
    expect(starts.get(key)).toBe(1);
  };
  await double(1);
  await Promise.all([double(2), double(3), double(4)]);
  expect(await items).toStrictEqual(Array.from({ length: 8 }, (_, count) => new Uint8Array(150).fill(count)));
}

let runs = 0;

/** Returns how many bytes passed over the first connection, and whether its fault happened. */
async function runOver(serverUrl: string, route: Route): Promise<{ up: number; down: number; faults: number }> {
  const proxy = await startTcpProxy(serverUrl, (index) => (index === 0 ? route : {}));
  const client = createClient<typeof router>({ url: proxy.url, transformer: rich, backoff: { baseMs: 1, maxMs: 4 } });
  try {
    if (!(await settlesWithin(stuckAfterMs, runScript(client, ++runs)))) throw new Error("it hangs");
  } catch (error) {
    throw new Error(`after ${JSON.stringify(route)}`, { cause: error });
  } finally {
    client.connection.close();
    await proxy.close();
  }
  const [connection] = proxy.connections;
  return { up: 0, down: 0, ...connection?.passed, faults: connection?.faults.length ?? 0 };
}

it(`bytes come through whole, and each handler is started once, where the connection is cut at every ${stride}th byte of both directions (closer with CI=true; TAUTLINE_SEED=${first})`, {
  timeout: 120_000,
}, async () => {
  const { url } = await startServer({ router });
  const passed = await runOver(url, {});
  const faults: Fault[] = [];
  for (const direction of ["up", "down"] as const) {
    for (let atByte = first; atByte < passed[direction]; atByte += stride)
      faults.push({ direction, atByte, type: atByte % 2 === 0 ? "cut" : "reset" });
  }
  const left = [...faults];
  let happened = 0;
  const work = async (): Promise<void> => {
    for (let fault = left.pop(); fault !== undefined; fault = left.pop()) {
      const connection = await runOver(url, { faults: [fault], segmentBytes: 97 });
      happened += connection.faults;
    }
  };
  await Promise.all(Array.from({ length: runsAtOnce }, work));
  expect(faults.length).toBeGreaterThan(5000 / stride);
  expect(happened).toBeGreaterThan(faults.length * 0.9);
});
