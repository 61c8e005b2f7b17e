/**
 * What one procedure call costs in the server, without a socket: compiled, and as tRPC calls it.
 * Run: `tsx --conditions=@tautline/source bench/dispatch.ts`. Prints nanoseconds per call, the median of the rounds.
 */
import { type AnyTRPCProcedure, callTRPCProcedure, initTRPC } from "@trpc/server";
import { z } from "zod";
import {
  type CompiledProcedure,
  compileProcedure,
  type ProcedureCall,
} from "../packages/server/src/compiled-procedure.ts";

const rounds = 9;
const callsPerRound = 50_000;

const t = initTRPC.context<{ user: string }>().create();
const message = z.object({ room: z.string(), text: z.string() });
const withUser = t.procedure.use(({ ctx, next }) => next({ ctx: { user: ctx.user } }));

const cases: Record<string, AnyTRPCProcedure> = {
  "no middleware, sync resolver": t.procedure.query(() => 1),
  "no middleware, async resolver": t.procedure.query(async () => 1),
  "resolver reads ctx and input": t.procedure.query(({ ctx, input }) => [ctx, input]),
  "resolver reads the signal": t.procedure.query(({ signal }) => signal),
  "zod input": t.procedure.input(message).query(({ input }) => input.text),
  "zod input and output": t.procedure
    .input(message)
    .output(message)
    .query(({ input }) => input),
  "one middleware": withUser.query(() => 1),
  "one middleware, zod input": withUser.input(message).query(({ input }) => input.text),
  "three middlewares, zod input": withUser
    .use(({ next }) => next())
    .use(({ next }) => next())
    .input(message)
    .query(({ input }) => input.text),
};

class Call implements ProcedureCall {
  readonly ctx = { user: "ada" };
  readonly input = { room: "lobby", text: "hello" };
  readonly path = "measured";
  readonly batchIndex = 0;
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }
}

function measureCompiled(compiled: CompiledProcedure): Promise<number> {
  return medianNs(() => compiled.call(new Call()));
}

/** As tRPC's own WebSocket handler calls: with an AbortController for each call. */
function measureTrpc(procedure: AnyTRPCProcedure): Promise<number> {
  const router = t.router({ measured: procedure });
  return medianNs(() => {
    const { ctx, input, path, batchIndex, signal } = new Call();
    return callTRPCProcedure({
      router,
      path,
      type: "query",
      ctx,
      getRawInput: async () => input,
      signal,
      batchIndex,
    });
  });
}

async function medianNs(call: () => unknown): Promise<number> {
  const measured: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < callsPerRound; index += 1) {
      const result = call();
      if (result instanceof Promise) await result;
    }
    measured.push(Number(process.hrtime.bigint() - start) / callsPerRound);
  }
  return measured.sort((a, b) => a - b)[rounds >> 1] ?? Number.NaN;
}

const table: Record<string, { "compiled ns": number; "tRPC ns": number; times: number }> = {};
for (const [name, procedure] of Object.entries(cases)) {
  const compiledNs = await measureCompiled(compileProcedure(procedure));
  const trpcNs = await measureTrpc(procedure);
  table[name] = {
    "compiled ns": Math.round(compiledNs),
    "tRPC ns": Math.round(trpcNs),
    times: Math.round((10 * trpcNs) / compiledNs) / 10,
  };
}
console.table(table);
