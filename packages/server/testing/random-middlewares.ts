import type { TRPCProcedureType } from "@trpc/server";
import type { Recorder } from "./recorder.ts";

type Context = Readonly<Record<string, unknown>>;

interface Result {
  readonly ok: boolean;
  readonly data?: unknown;
  readonly error?: unknown;
}

interface Overrides {
  ctx?: Context;
  input?: unknown;
  getRawInput?: () => Promise<unknown>;
}

/** What tRPC gives a middleware; a resolver gets it without `next`. */
export interface HandlerOptions {
  readonly ctx: Context;
  readonly input: unknown;
  readonly path: string;
  readonly type: TRPCProcedureType;
  readonly meta: unknown;
  readonly batchIndex: number;
  readonly signal: AbortSignal | undefined;
  readonly getRawInput: () => Promise<unknown>;
  readonly next: (overrides?: Overrides) => Promise<Result>;
}

/** How a random middleware notes what it sees, and how it fails. */
export interface Witness {
  readonly name: string;
  readonly recorder: Recorder;
  /** Throws the middleware's own kind of thing. */
  readonly fail: () => never;
  /** Throws when asked for the first time in a call, and then every other time. */
  readonly failSometimes: () => void;
}

type Middleware = (options: HandlerOptions) => unknown;

/** What is told of a result: its own error is what the caller gets, so the differential test compares that. */
function outline(result: Result | undefined): unknown {
  return result && { ok: result.ok, keys: Object.keys(result).sort(), data: String(typeof result.data) };
}

/** The context of what runs at the same time as something else, also as what began in the same place before it. */
function branch(recorder: Recorder, ctx: Context, name: string): Context {
  const kind = `${String(ctx["branch"])} ${name}`;
  const inner = `${kind}.${recorder.count(kind)}`;
  recorder.record(inner, "begins");
  return { branch: inner };
}

const ok = (data: unknown): object => ({ marker: "middlewareMarker", ok: true, data });

/** One kind each of what people do in a middleware, the wrong things too. */
const makers: Readonly<Record<string, (witness: Witness) => Middleware>> = {
  pass: () => (options) => options.next(),
  passArrow:
    ({ name, recorder }) =>
    ({ ctx, input, path, type, next }) => {
      recorder.record(ctx["branch"], `${name} arrow`, ctx, input, path, type);
      return next();
    },
  passAsync:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      recorder.record(ctx["branch"], `${name} before`, ctx);
      const result = await next();
      recorder.record(ctx["branch"], `${name} after`, outline(result));
      return result;
    },
  passLate:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      await Promise.resolve();
      recorder.record(ctx["branch"], `${name} late`);
      return next();
    },
  everything:
    ({ name, recorder }) =>
    async (options) => {
      const { ctx, input, path, type, meta, batchIndex } = options;
      recorder.record(ctx["branch"], name, { ctx, input, path, type, meta, batchIndex }, await options.getRawInput());
      return options.next();
    },
  spread:
    ({ name, recorder }) =>
    (options) => {
      const copy = { ...options };
      const { signal, next, ...rest } = copy;
      recorder.record(rest.ctx["branch"], name, rest.input, signal instanceof AbortSignal, signal?.aborted);
      return next();
    },
  signal:
    ({ name, recorder }) =>
    ({ ctx, signal, next }) => {
      recorder.record(ctx["branch"], name, signal instanceof AbortSignal, signal?.aborted);
      return next();
    },
  signalRenamed:
    ({ name, recorder }) =>
    async ({ signal: aborter, ctx, next: goOn }) => {
      recorder.record(ctx["branch"], name, aborter instanceof AbortSignal);
      return await goOn();
    },
  ownKeys:
    ({ name, recorder }) =>
    (options) => {
      recorder.record(options.ctx["branch"], name, Object.hasOwn(options, "signal"), "getRawInput" in options);
      return options.next();
    },
  assigns: () => (options) => {
    Object.assign(options, { ctx: {}, input: "assigned", signal: undefined, path: "assigned", meta: {} });
    return options.next();
  },
  addContext:
    ({ name }) =>
    ({ next }) =>
      next({ ctx: { [name]: true, user: "grace" } }),
  replaceContext:
    ({ name }) =>
    ({ ctx, next }) =>
      next({ ctx: { ...ctx, last: name } }),
  emptyOverrides:
    () =>
    ({ next }) =>
      next({}),
  replaceInput:
    ({ name }) =>
    ({ next }) =>
      next({ input: { a: name } }),
  removeInput:
    () =>
    ({ next }) =>
      next({ input: undefined }),
  extendInput:
    () =>
    ({ input, next }) =>
      next({ input: { extended: input } }),
  replaceRawInput:
    ({ name, recorder }) =>
    ({ ctx, next }) =>
      next({
        getRawInput: async () => {
          recorder.record(ctx["branch"], `${name} raw`);
          return { a: "raw", n: 1 };
        },
      }),
  failingRawInput:
    ({ fail }) =>
    ({ next }) =>
      next({ getRawInput: async () => fail() }),
  wrongOverrides:
    () =>
    ({ next }) =>
      next("text" as never),
  nullOverrides:
    () =>
    ({ next }) =>
      next(null as never),
  answer:
    ({ name }) =>
    () =>
      ok(name),
  answerPromise:
    ({ name }) =>
    async () =>
      ok(Promise.resolve(name)),
  answerNothing: () => () => undefined,
  answerNull: () => async () => null,
  answerText: () => () => "text",
  answerFailure:
    ({ fail }) =>
    () => {
      try {
        return fail();
      } catch (error) {
        return { marker: "middlewareMarker", ok: false, error };
      }
    },
  forgetReturn:
    () =>
    async ({ next }) => {
      await next();
    },
  throwBefore:
    ({ fail }) =>
    () =>
      fail(),
  throwBeforeAsync:
    ({ fail }) =>
    async () =>
      fail(),
  throwAfter:
    ({ fail }) =>
    async ({ next }) => {
      await next();
      fail();
    },
  throwSometimes:
    ({ failSometimes }) =>
    ({ next }) => {
      failSometimes();
      return next();
    },
  recover:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      const result = await next();
      recorder.record(ctx["branch"], `${name} saw`, result.ok);
      return result.ok ? result : { ...result, ok: true, data: `${name} recovered` };
    },
  translate:
    ({ fail }) =>
    async ({ next }) => {
      const result = await next();
      if (!result.ok) fail();
      return result;
    },
  wrapData:
    ({ name }) =>
    async ({ next }) => {
      const result = await next();
      return result.ok ? { ...result, data: { [name]: typeof result.data } } : result;
    },
  mutateResult:
    ({ name }) =>
    async ({ next }) =>
      Object.assign(await next(), { data: name }),
  catchRejection:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      try {
        return await next();
      } catch (error) {
        recorder.record(ctx["branch"], `${name} caught`, error instanceof Error);
        throw error;
      }
    },
  twice:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      recorder.record(ctx["branch"], `${name} first`, outline(await next({ ctx: { turn: 1 } })));
      return next({ ctx: { turn: 2 } });
    },
  twiceAtOnce:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      const [first, second] = await Promise.all([
        next({ ctx: branch(recorder, ctx, "a") }),
        next({ ctx: branch(recorder, ctx, "b") }),
      ]);
      recorder.record(ctx["branch"], name, outline(first));
      return second;
    },
  betweenNextAndAwait:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      const pending = next();
      recorder.record(ctx["branch"], `${name} between`, pending instanceof Promise);
      return pending;
    },
  thenChain:
    ({ name, recorder }) =>
    ({ ctx, next }) =>
      next().then((result) => {
        recorder.record(ctx["branch"], `${name} then`, outline(result));
        return result;
      }),
  detached:
    ({ name, recorder }) =>
    async ({ ctx, next }) => {
      next({ ctx: branch(recorder, ctx, "detached") }).catch(() => {});
      recorder.record(ctx["branch"], `${name} detached`);
      return ok(name);
    },
};

/** Those that read the call's signal. */
export const signalReaders: ReadonlySet<string> = new Set(["spread", "signal", "signalRenamed"]);

export const middlewareKinds: readonly string[] = Object.keys(makers);

export function makeMiddleware(kind: string, witness: Witness): Middleware | undefined {
  return makers[kind]?.(witness);
}
