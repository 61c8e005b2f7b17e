import serverManifest from "@trpc/server/package.json" with { type: "json" };
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach } from "./fixture/cleanup.ts";
import { errorRows, formattedRows } from "./fixture/parity-error-rows.ts";
import { resultRows, subscriptionRows } from "./fixture/parity-result-rows.ts";
import { hasErrorsMethod, parityRouter } from "./fixture/parity-router.ts";
import type { Row } from "./fixture/parity-row.ts";
import {
  inProcess,
  type Outcome,
  throughClient,
  throughIteration,
  throughLink,
  throughWsLink,
  type Way,
} from "./fixture/parity-ways.ts";

cleanUpAfterEach();

const rows = [...resultRows, ...subscriptionRows, ...errorRows, ...(hasErrorsMethod ? formattedRows : [])];

const tautlineWays: readonly [name: string, open: () => Promise<Way>][] = [
  ["createClient", throughClient],
  ["createClient with for await", throughIteration],
  ["createTRPCClient with tautlineLink", throughLink],
];
const trpcWays: readonly [name: string, open: () => Promise<Way>][] = [
  ["tRPC's own caller", inProcess],
  ["tRPC's own wsLink", throughWsLink],
];

/** What a row says of its outcome, with the error's shape as tRPC makes it but for the message. */
function expectedOutcome({ error, ...row }: Row, message: string | undefined, reference: Outcome | undefined): Outcome {
  const shape: unknown = reference?.error?.shape;
  return {
    ...(row.type === "subscription" ? { items: row.items } : error === undefined && { result: row.result }),
    ...(error !== undefined && { error: { code: error.code, message, shape: { ...(shape as object), message } } }),
  } as Outcome;
}

describe(`with tRPC ${serverManifest.version}`, () => {
  it("has rows for procedures that format their errors where this tRPC has them", () => {
    expect(hasErrorsMethod).toBe(process.env["TAUTLINE_TRPC"] !== "oldest");
  });

  it("calls every procedure of the router", () => {
    const called = new Set(rows.map((row) => row.path));
    const procedures = Object.keys(parityRouter._def.procedures);
    expect(procedures.filter((path) => !called.has(path))).toEqual([]);
  });

  describe.each(tautlineWays)("%s", (_name, open) => {
    it.each(rows)("gives $of", async (row) => {
      const way = await open();
      const reference = row.error && (await (await (row.socketsOnly ? throughWsLink() : inProcess()))(row));
      expect(await way(row)).toStrictEqual(expectedOutcome(row, row.error?.message, reference));
    });
  });

  describe.each(trpcWays)("%s, for reference", (_name, open) => {
    const known = rows.filter((row) => !(row.socketsOnly && open === inProcess));

    it.each(known)("gives $of", async (row) => {
      const way = await open();
      const outcome = await way(row);
      const message = row.error?.trpcMessage ?? row.error?.message;
      expect(outcome).toStrictEqual(expectedOutcome(row, message, outcome));
    });
  });
});
