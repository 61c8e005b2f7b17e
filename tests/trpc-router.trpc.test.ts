import serverManifest from "@trpc/server/package.json" with { type: "json" };
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import { describe, expect, it } from "vitest";
import { cleanUpAfterEach } from "./fixture/cleanup.ts";
import { hasErrorsMethod, parityRouter, richValue } from "./fixture/parity-router.ts";
import {
  type Call,
  inProcess,
  type Outcome,
  throughClient,
  throughIteration,
  throughLink,
  throughWsLink,
  type Way,
} from "./fixture/parity-ways.ts";

cleanUpAfterEach();

interface ExpectedError {
  readonly code: string;
  /** What clients are told. */
  readonly message: string;
  /** What tRPC itself says where it is something else: Tautline does not tell clients what was not meant for them. */
  readonly trpcMessage?: string;
}

interface Row extends Call {
  /** What the row shows. */
  readonly of: string;
  readonly result?: unknown;
  readonly items?: readonly unknown[];
  readonly error?: ExpectedError;
  /** Whether the row is about sockets alone. Default false. */
  readonly socketsOnly?: boolean;
}

const masked = (trpcMessage: string): ExpectedError => ({
  code: "INTERNAL_SERVER_ERROR",
  message: "Internal server error",
  trpcMessage,
});

const resultRows: readonly Row[] = [
  { of: "no result", type: "query", path: "values.nothing", result: undefined },
  { of: "null", type: "query", path: "values.null", result: null },
  { of: "what the transformer keeps", type: "query", path: "values.rich", result: richValue },
  { of: "a promise", type: "query", path: "values.later", result: "later" },
  { of: "no input", type: "query", path: "values.echo", result: { input: undefined, is: "undefined" } },
  { of: "null for input", type: "query", path: "values.echo", input: null, result: { input: null, is: "object" } },
  { of: "false for input", type: "query", path: "values.echo", input: false, result: { input: false, is: "boolean" } },
  { of: "0 for input", type: "query", path: "values.echo", input: 0, result: { input: 0, is: "number" } },
  { of: "an empty text for input", type: "query", path: "values.echo", input: "", result: { input: "", is: "string" } },
  {
    of: "an input that JSON does not keep",
    type: "query",
    path: "values.echo",
    input: richValue,
    result: { input: richValue, is: "object" },
  },
  { of: "an array for input", type: "query", path: "values.echo", input: [1n], result: { input: [1n], is: "object" } },
  { of: "no raw input", type: "query", path: "values.raw", result: { raw: undefined, type: "query" } },
  {
    of: "the raw input",
    type: "query",
    path: "values.raw",
    input: new Date(7),
    result: { raw: new Date(7), type: "query" },
  },
  {
    of: "a mutation",
    type: "mutation",
    path: "values.save",
    input: { at: new Date(3) },
    result: new Map([["saved", new Date(3)]]),
  },
  { of: "a mutation without a result", type: "mutation", path: "values.touch", result: undefined },
  {
    of: "path and context",
    type: "query",
    path: "values.called",
    result: { path: "values.called", ctx: { user: "ada" } },
  },
  {
    of: "an input that its schema changes",
    type: "query",
    path: "schemas.trimmed",
    input: { name: "  ada ", other: 1 },
    result: { name: "ada", size: 3 },
  },
  {
    of: "several input schemas",
    type: "mutation",
    path: "schemas.several",
    input: { a: 1, b: 2, c: true },
    result: { a: 1, b: "2", c: true },
  },
  { of: "an asynchronous schema", type: "query", path: "schemas.later", input: "free", result: "free" },
  { of: "an output schema", type: "query", path: "schemas.output", result: { kept: "1" } },
  {
    of: "context of a middleware",
    type: "query",
    path: "middleware.plain",
    result: { user: "ada", role: "none", was: "ada" },
  },
  {
    of: "context that a middleware overrides, from meta",
    type: "query",
    path: "middleware.renamed",
    result: { user: "ada the admin", role: "admin", was: "ada" },
  },
  {
    of: "a middleware that reads the parsed input",
    type: "query",
    path: "middleware.ofInput",
    input: { name: "bob" },
    result: "hello bob",
  },
  {
    of: "a middleware that reads the raw input",
    type: "mutation",
    path: "middleware.ofRawInput",
    input: { at: new Date(9), more: 1 },
    result: { raw: { at: new Date(9), more: 1 }, at: new Date(9) },
  },
  {
    of: "a middleware that changes the result",
    type: "query",
    path: "middleware.wrapping",
    result: ["result", "wrapped"],
  },
  { of: "a nested router", type: "query", path: "a.b.c", result: "a.b.c" },
  { of: "a merged router", type: "query", path: "merged.left", result: "left" },
  { of: "a nested router of a merged one", type: "query", path: "merged.nested.leaf", result: "leaf" },
  { of: "a mutation of a merged router", type: "mutation", path: "merged.right", result: "ada the none" },
  { of: "a lazy router", type: "query", path: "lazy.hello", result: "lazy.hello for ada" },
  { of: "a lazy router of a lazy router", type: "mutation", path: "lazy.deeper.still", result: "there" },
];

const subscriptionRows: readonly Row[] = [
  {
    of: "an async generator",
    type: "subscription",
    path: "events.count",
    input: { to: 3 },
    items: [1, 2, 3].map((item) => ({ item, at: new Date(item) })),
  },
  { of: "a generator that ends at once", type: "subscription", path: "events.count", input: { to: 0 }, items: [] },
  {
    of: "items of every kind, no return value",
    type: "subscription",
    path: "events.odd",
    items: [undefined, null, richValue],
  },
  {
    of: "tracked items",
    type: "subscription",
    path: "events.tracked",
    items: [1, 2, 3].map((id) => ({ id: `${id}`, data: new Set([id]) })),
  },
  {
    of: "tracked items after one",
    type: "subscription",
    path: "events.tracked",
    input: { lastEventId: "2" },
    items: [{ id: "3", data: new Set([3]) }],
  },
  { of: "an async iterable of one's own", type: "subscription", path: "events.countdown", items: [3, 2, 1] },
  { of: "an observable", type: "subscription", path: "events.observable", input: [1n, 2n], items: [1n, 2n] },
  {
    of: "an observable that fails",
    type: "subscription",
    path: "events.failingObservable",
    items: ["one"],
    error: { code: "TOO_MANY_REQUESTS", message: "slower" },
  },
  {
    of: "an observable that crashes",
    type: "subscription",
    path: "events.crashingObservable",
    items: [],
    error: masked("secret of an observable"),
  },
  {
    of: "a generator that fails midway",
    type: "subscription",
    path: "events.failing",
    items: [new Date(1), new Date(2)],
    error: { code: "PRECONDITION_FAILED", message: "midway" },
  },
  {
    of: "a generator that crashes midway",
    type: "subscription",
    path: "events.crashing",
    items: [1],
    error: masked("secret midway"),
  },
  {
    of: "a subscription that is refused",
    type: "subscription",
    path: "events.refused",
    items: [],
    error: { code: "UNAUTHORIZED", message: "not you" },
  },
  {
    of: "a subscription whose input does not fit",
    type: "subscription",
    path: "events.count",
    input: { to: "3" },
    items: [],
    error: { code: "BAD_REQUEST", message: issues({ path: ["to"], expected: "number", received: "string" }) },
  },
  {
    of: "a subscription without items",
    type: "subscription",
    path: "events.itemless",
    items: [],
    socketsOnly: true,
    error: {
      code: "INTERNAL_SERVER_ERROR",
      message: "Subscription events.itemless did not return an observable or a AsyncGenerator",
    },
  },
  {
    of: "an unknown subscription",
    type: "subscription",
    path: "events.nowhere",
    items: [],
    socketsOnly: true,
    error: { code: "NOT_FOUND", message: 'No "subscription"-procedure on path "events.nowhere"' },
  },
  { of: "middleware of a subscription", type: "subscription", path: "middleware.ofItems", items: ["ada the reader"] },
];

/** Zod's message for a value of the wrong type. */
function issues({ path, expected, received }: { path: string[]; expected: string; received: string }): string {
  const message = `Invalid input: expected ${expected}, received ${received}`;
  return JSON.stringify([{ expected, code: "invalid_type", path, message }], null, 2);
}

const errorRows: readonly Row[] = [
  {
    of: "a code without a message",
    type: "mutation",
    path: "failures.noMessage",
    error: { code: "NOT_IMPLEMENTED", message: "NOT_IMPLEMENTED" },
  },
  {
    of: "an error with a cause",
    type: "query",
    path: "failures.withCause",
    error: { code: "BAD_GATEWAY", message: "told" },
  },
  {
    of: "a deliberate internal error",
    type: "query",
    path: "failures.deliberate",
    error: { code: "INTERNAL_SERVER_ERROR", message: "the printer burns" },
  },
  { of: "an unexpected error", type: "query", path: "failures.error", error: masked("secret error") },
  { of: "an unexpected rejection", type: "mutation", path: "failures.rejection", error: masked("secret rejection") },
  { of: "a thrown text", type: "query", path: "failures.text", error: masked("secret text") },
  { of: "a thrown object", type: "query", path: "failures.object", error: masked("secret object") },
  {
    of: "a thrown undefined",
    type: "query",
    path: "failures.nothing",
    error: { code: "INTERNAL_SERVER_ERROR", message: "INTERNAL_SERVER_ERROR" },
  },
  {
    of: "an input that does not fit",
    type: "query",
    path: "schemas.trimmed",
    input: { name: 5 },
    error: { code: "BAD_REQUEST", message: issues({ path: ["name"], expected: "string", received: "number" }) },
  },
  {
    of: "an input that a later schema refuses",
    type: "mutation",
    path: "schemas.several",
    input: { a: 1, b: 2, c: "no" },
    error: { code: "BAD_REQUEST", message: issues({ path: ["c"], expected: "boolean", received: "string" }) },
  },
  {
    of: "an input that is left out",
    type: "mutation",
    path: "values.save",
    error: { code: "BAD_REQUEST", message: issues({ path: [], expected: "object", received: "undefined" }) },
  },
  {
    of: "an input that an asynchronous schema refuses",
    type: "query",
    path: "schemas.later",
    input: "taken",
    error: {
      code: "BAD_REQUEST",
      message: JSON.stringify([{ code: "custom", path: [], message: "is taken" }], null, 2),
    },
  },
  {
    of: "an output that does not fit",
    type: "query",
    path: "schemas.badOutput",
    input: { secret: "s" },
    error: { code: "INTERNAL_SERVER_ERROR", message: "Output validation failed" },
  },
  {
    of: "a middleware that refuses",
    type: "mutation",
    path: "middleware.refusing",
    error: { code: "FORBIDDEN", message: "ada the none may not" },
  },
  {
    of: "a middleware that translates a handler's error",
    type: "query",
    path: "middleware.translating",
    input: { name: "ada" },
    error: { code: "CONFLICT", message: "translated: nobody" },
  },
  {
    of: "a middleware that crashes",
    type: "query",
    path: "middleware.failing",
    error: masked("secret of a middleware"),
  },
  {
    of: "a middleware that returns nothing",
    type: "query",
    path: "middleware.forgetful",
    error: {
      code: "INTERNAL_SERVER_ERROR",
      message: "No result from middlewares - did you forget to `return next()`?",
    },
  },
  { of: "a lazy router that does not load", type: "query", path: "broken.hello", error: masked("secret of a loader") },
  ...["nowhere", "values.nowhere", "values", "lazy.nowhere", "a.b", "values.nothing.more"].map((path) => ({
    of: `the unknown path ${path}`,
    type: "query" as const,
    path,
    socketsOnly: true,
    error: { code: "NOT_FOUND", message: `No "query"-procedure on path "${path}"` },
  })),
  {
    of: "a query that gives items",
    type: "query",
    path: "failures.generator",
    socketsOnly: true,
    error: {
      code: "UNSUPPORTED_MEDIA_TYPE",
      message: "Cannot return an async iterable or observable from a query procedure with WebSockets",
    },
  },
  ...Object.keys(TRPC_ERROR_CODES_BY_KEY).map((code) => ({
    of: `the code ${code}`,
    type: "query" as const,
    path: "failures.code",
    input: { code },
    error: { code, message: `because of ${code}` },
  })),
];

const formattedRows: readonly Row[] = [
  {
    of: "an error that the procedure formats",
    type: "query",
    path: "formatted.taken",
    error: { code: "CONFLICT", message: "the name is taken" },
  },
  {
    of: "an error that the procedure leaves to the router",
    type: "query",
    path: "formatted.other",
    error: { code: "NOT_FOUND", message: "left to the root formatter" },
  },
  {
    of: "an unexpected error of a procedure that formats",
    type: "mutation",
    path: "formatted.crash",
    error: masked("secret of a formatted procedure"),
  },
  {
    of: "bad input of a subscription that formats",
    type: "subscription",
    path: "formatted.badInput",
    input: 5,
    items: [],
    error: { code: "BAD_REQUEST", message: issues({ path: [], expected: "string", received: "number" }) },
  },
];

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
