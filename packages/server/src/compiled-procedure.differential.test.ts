import { type AnyTRPCProcedure, callTRPCProcedure, initTRPC } from "@trpc/server";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Outcome, outcomeOf } from "../testing/outcome.ts";
import {
  needsTrpc,
  ProcedureFactory,
  type ProcedureSpec,
  procedureSpecs,
  rawInputs,
  readsSignal,
} from "../testing/random-procedure.ts";
import { Recorder, snapshot } from "../testing/recorder.ts";
import { type CompiledProcedure, compileProcedure, type ProcedureCall } from "./compiled-procedure.ts";
import { readProcedureParts } from "./procedure-parts.ts";

const seed = Number(process.env["TAUTLINE_SEED"] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["TAUTLINE_RUNS"] ?? 10_000);
/** Of one case among those of the seed, as a failure prints it. */
const casePath = process.env["TAUTLINE_PATH"];

/** Two runs of what comes after `next()` that nobody waits for: their steps have no order between them. */
const twiceDetached: ProcedureSpec = {
  type: "query",
  parts: ["twice", "detached", "twice"].map((kind) => ({ part: "middleware", kind, throws: "forbidden" })),
  resolver: { kind: "value", throws: "forbidden" },
};

const t = initTRPC.create();
const path = "random.procedure";

/** What is compared: the outcome, and what the parts of the procedure saw on the way. */
interface Observed {
  readonly outcome: Outcome;
  readonly events: Record<string, string[]>;
}

class RandomCall implements ProcedureCall {
  readonly ctx = { branch: "main", user: "ada" };
  readonly path = path;
  readonly batchIndex = 3;
  readonly input: unknown;
  signalReads = 0;
  readonly #controller = new AbortController();

  constructor(input: unknown) {
    this.input = structuredClone(input);
  }

  get signal(): AbortSignal {
    this.signalReads += 1;
    return this.#controller.signal;
  }
}

async function callTrpc(procedure: AnyTRPCProcedure, call: RandomCall, recorder: Recorder): Promise<Observed> {
  const { ctx, input, batchIndex, signal } = call;
  const { type } = procedure._def;
  const router = t.router({ random: { procedure } });
  const getRawInput = async () => input;
  return observe(() => callTRPCProcedure({ router, path, type, ctx, getRawInput, signal, batchIndex }), recorder);
}

function callCompiled(compiled: CompiledProcedure, call: RandomCall, recorder: Recorder): Promise<Observed> {
  return observe(() => compiled.call(call), recorder);
}

async function observe(call: () => unknown, recorder: Recorder): Promise<Observed> {
  const outcome = await outcomeOf(call);
  // A middleware may have left something running behind it.
  await new Promise(setImmediate);
  return { outcome, events: recorder.take() };
}

async function compare(spec: ProcedureSpec, rawInputsOfRun: readonly unknown[]): Promise<void> {
  const recorder = new Recorder();
  // Two alike, as tRPC's parsers remember whether they were asynchronous before.
  const procedure = new ProcedureFactory(recorder).build(spec);
  const sameProcedure = new ProcedureFactory(recorder).build(spec);
  const compiled = compileProcedure(sameProcedure);
  expect(readProcedureParts(sameProcedure) === undefined, "is left to tRPC").toBe(needsTrpc(spec));
  expect(compiled.type).toBe(spec.type);
  for (const input of rawInputsOfRun) {
    const call = new RandomCall(input);
    const expected = await callTrpc(procedure, new RandomCall(input), recorder);
    const actual = await callCompiled(compiled, call, recorder);
    expect(snapshot(actual)).toBe(snapshot(expected));
    if (!needsTrpc(spec) && !readsSignal(spec)) expect(call.signalReads, "reads of the signal").toBe(0);
  }
}

test(`${numRuns} random procedures behave as if tRPC called them (TAUTLINE_SEED=${seed})`, async ({ onTestFailed }) => {
  process.stdout.write(`differential test: TAUTLINE_SEED=${seed} TAUTLINE_RUNS=${numRuns}\n`);
  let settled = 0;
  let underWay: unknown;
  // fast-check prints a case that fails with its path, and nothing of one that never settles: the test's time is over first.
  onTestFailed(() => {
    if (underWay === undefined) return;
    const at = `TAUTLINE_SEED=${seed} TAUTLINE_PATH=${casePath ?? settled}`;
    process.stdout.write(`does not settle: ${at} ${fc.stringify(underWay)}\n`);
  });
  const inputs = fc.array(rawInputs, { minLength: 1, maxLength: 3 });
  const property = fc.asyncProperty(procedureSpecs, inputs, async (spec, rawInputsOfRun) => {
    underWay = [spec, rawInputsOfRun];
    await compare(spec, rawInputsOfRun).finally(() => {
      underWay = undefined;
    });
    settled++;
  });
  const examples: [ProcedureSpec, unknown[]][] = [[twiceDetached, [undefined]]];
  const only = casePath === undefined ? {} : { path: casePath };
  await fc.assert(property, { seed, numRuns, examples, ...only });
}, 180_000);
