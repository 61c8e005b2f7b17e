// oxlint-disable unicorn/no-thenable -- thenables are part of what is tried
import { tracked } from "@trpc/server";
import { observable } from "@trpc/server/observable";
import type { HandlerOptions, Witness } from "./random-middlewares.ts";

type Resolver = (options: HandlerOptions) => unknown;

/** What people do in a resolver. */
const makers: Readonly<Record<string, (witness: Witness) => Resolver>> = {
  value: () => () => 42,
  nothing: () => () => undefined,
  object: () => () => ({ a: "resolved", b: 1 }),
  promise: () => async () => ({ a: "later" }),
  late: () => async () => {
    await Promise.resolve();
    return { a: "late" };
  },
  thenable:
    ({ name }) =>
    () => ({
      then(resolve: (value: unknown) => void): void {
        resolve({ a: name });
      },
    }),
  nestedPromise: () => () => Promise.resolve({ inner: 1 }).then((value) => Promise.resolve(value)),
  thenGetterThrows:
    ({ fail }) =>
    () =>
      Object.defineProperty({}, "then", {
        get: fail,
      }),
  thenIsData: () => () => ({ then: "data" }),
  echo:
    () =>
    ({ ctx, input }) => ({ ctx, input }),
  echoInput:
    ({ name, recorder }) =>
    ({ ctx, input }) => {
      recorder.record(ctx["branch"], `${name} input`, input);
      return input;
    },
  echoAll:
    ({ name, recorder }) =>
    async (options) => {
      const { ctx, input, path, type, meta, batchIndex } = options;
      recorder.record(ctx["branch"], name, { ctx, input, path, type, meta, batchIndex });
      return { ctx, input, path, type, meta, batchIndex, raw: await options.getRawInput() };
    },
  spread: () => (options) => {
    const { ctx, input, signal, path } = { ...options };
    return { ctx, input, path, hasSignal: signal instanceof AbortSignal };
  },
  rest:
    () =>
    ({ ctx, ...rest }) => ({ ctx, input: rest.input, aborted: rest.signal?.aborted }),
  signal:
    () =>
    ({ signal }) =>
      signal?.aborted,
  declared: () =>
    function resolve(options: HandlerOptions): unknown {
      return [options.input, options.signal instanceof AbortSignal];
    },
  throw:
    ({ fail }) =>
    () =>
      fail(),
  reject:
    ({ fail }) =>
    async () =>
      fail(),
  throwSometimes:
    ({ failSometimes }) =>
    ({ input }) => {
      failSometimes();
      return { a: "not this time", input };
    },
  generator: () =>
    async function* items({ input }: HandlerOptions) {
      yield { first: input };
      yield 2;
      return "returned";
    },
  trackedGenerator: () =>
    async function* items() {
      yield tracked("1", "one");
      yield tracked("2", { two: true });
    },
  failingGenerator: ({ fail }) =>
    async function* items() {
      yield 1;
      fail();
    },
  observable:
    () =>
    ({ input }) =>
      observable<unknown>((observer) => {
        observer.next(input);
        observer.next("second");
        observer.complete();
      }),
  failingObservable: () => () =>
    observable<unknown>((observer) => {
      observer.next("first");
      observer.error(new Error("observed"));
    }),
};

/** Those that read the call's signal. */
export const signalReadingResolvers: ReadonlySet<string> = new Set(["spread", "rest", "signal", "declared"]);

export const resolverKinds: readonly string[] = Object.keys(makers);

export function makeResolver(kind: string, witness: Witness): Resolver | undefined {
  return makers[kind]?.(witness);
}
