import {
  type Clock,
  type IncomingCall,
  Pump,
  StreamBudget,
  type StreamHost,
  StreamingCalls,
  streamsOf,
  Values,
  withoutStreams,
} from "@tautline/core/internals";
import { type AnyTRPCRouter, isTrackedEnvelope, TRPCError } from "@trpc/server";
import { isObservable, observableToAsyncIterable } from "@trpc/server/observable";
import type { CallScope } from "./call-scope.ts";
import { Channels } from "./channel.ts";
import type { CompiledProcedure } from "./compiled-procedure.ts";
import { CompiledRouter } from "./compiled-router.ts";
import {
  asTRPCError,
  genericShape,
  noItemSource,
  notAnItemSource,
  notFound,
  outcomeUnknownShape,
  unsendable,
  wrongType,
} from "./dispatch-error.ts";
import { DispatchedCall } from "./dispatched-call.ts";
import { errorShape } from "./error-shape.ts";
import type { Gap } from "./gap.ts";
import type { IdempotencyStore } from "./idempotency.ts";
import { MutationMemory } from "./mutation-memory.ts";
import type { ErrorReport, ServerLimits } from "./options.ts";
import { asOutcomeUnknown } from "./outcome-unknown.ts";
import { addLastEventId } from "./resumed-input.ts";
import { isThenable } from "./thenable.ts";
import { TopicPump, type TopicPumpHost } from "./topic-pump.ts";
import { TopicSubscription } from "./topic-subscription.ts";
import { toTRPCError } from "./trpc-error.ts";

export interface DispatchOptions {
  readonly router: AnyTRPCRouter;
  readonly errorDetail: "deliberate" | "full";
  readonly onError: (report: ErrorReport<unknown>) => void;
  readonly clock: Clock;
  readonly idempotency: IdempotencyStore | undefined;
  readonly maxFrameBytes: number;
}

/** From a call to its handler and back: finds the procedure, reads the input, runs it, sends what it gives. */
export class Dispatch implements TopicPumpHost {
  readonly clock: Clock;
  readonly transformer: AnyTRPCRouter["_def"]["_config"]["transformer"];
  /** Those of the calls that the server makes. */
  readonly values: Values;
  readonly channels: Channels;
  readonly mutations: MutationMemory;
  readonly #options: DispatchOptions;
  readonly #router: CompiledRouter;

  constructor(options: DispatchOptions) {
    this.clock = options.clock;
    this.#options = options;
    this.mutations = new MutationMemory(options.idempotency, options.clock);
    this.#router = new CompiledRouter(options.router);
    this.transformer = options.router._def._config.transformer;
    this.values = new Values(this.transformer);
    const { output } = this.transformer;
    this.channels = new Channels({
      write: (data): unknown => output.serialize(data),
      maxFrameBytes: options.maxFrameBytes,
    });
  }

  /** Resolves when the rest of the process has had its turn. */
  turn(): Promise<void> {
    return this.#options.clock.turn();
  }

  /** Answers a call. Never throws; answers synchronously where the whole procedure is synchronous. */
  run(call: IncomingCall, scope: CallScope): void {
    if (call.type !== "mutation" || !this.mutations.concerns(call, scope)) return this.#run(call, scope);
    const run = (): void => this.#run(call, scope);
    const onUntold = (thrown: unknown): void => this.report(toTRPCError(thrown), call, scope);
    this.mutations.runOnce(call, scope, { run, onUntold }).catch((thrown: unknown) => this.refuse(call, thrown, scope));
  }

  #run(call: IncomingCall, scope: CallScope): void {
    try {
      const found = this.#router.find(call.path);
      if (isThenable(found)) this.#later(found, call, scope, (procedure) => this.#start(procedure, call, scope));
      else this.#start(found, call, scope);
    } catch (thrown) {
      this.fail(call, thrown, scope);
    }
  }

  /** A call is not run. One that is sent again may have run before, and its caller is not told anything else. */
  refuse(call: IncomingCall, thrown: unknown, scope: CallScope): void {
    const mayHaveRun = call.type === "mutation" && call.fields.firstId !== undefined;
    this.fail(call, mayHaveRun ? asOutcomeUnknown(thrown) : thrown, scope);
  }

  /** Reports an error and answers the call with what its caller may know of it. */
  fail(call: IncomingCall, thrown: unknown, scope: CallScope): void {
    const error = asTRPCError(thrown);
    this.report(error, call, scope);
    if (call.over) return;
    this.tell(error, call, scope, (shape) => call.sendError(shape));
  }

  /** Sends an error's shape; the generic one where what the router's formatter made cannot be sent. */
  tell(error: TRPCError, call: IncomingCall | undefined, scope: CallScope, send: (shape: unknown) => void): void {
    try {
      send(this.encodeError(error, call, scope));
    } catch (cause) {
      this.report(toTRPCError(cause), call, scope);
      send(genericShape);
    }
  }

  /**
   * An error's shape for the wire: formatted by the router, cut to what clients may know, serialised by its transformer. Where
   * one of these throws, that is reported too, and the shape is the generic one.
   */
  encodeError(error: TRPCError, call: IncomingCall | undefined, scope: CallScope): unknown {
    const unknown = outcomeUnknownShape(error, call?.path);
    if (unknown !== undefined) return this.#serializeShape(unknown, call, scope);
    const { router, errorDetail: detail } = this.#options;
    const { ctx } = scope;
    try {
      const { shape, formatterError } = errorShape({
        config: router._def._config,
        error,
        ...this.#describe(call),
        ctx,
        detail,
      });
      if (formatterError !== undefined) this.report(toTRPCError(formatterError), call, scope);
      return this.#serializeShape(shape, call, scope);
    } catch (cause) {
      this.report(toTRPCError(cause), call, scope);
      return genericShape;
    }
  }

  #serializeShape(shape: object, call: IncomingCall | undefined, scope: CallScope): unknown {
    try {
      return this.transformer.output.serialize(shape);
    } catch (cause) {
      this.report(toTRPCError(cause), call, scope);
      return genericShape;
    }
  }

  /** The calls that the server makes of one client, with streams. */
  createStreamingCalls(limits: Pick<ServerLimits, "maxMessageBytes" | "streamWindowBytes">): StreamingCalls {
    return new StreamingCalls({
      values: this.values,
      maxMessageBytes: limits.maxMessageBytes,
      clock: this.#options.clock,
      windowBytes: limits.streamWindowBytes,
    });
  }

  /** What the streams of one session's calls go through. */
  createStreamHost(
    scope: CallScope,
    { streamWindowBytes, maxStreamBytes }: Pick<ServerLimits, "streamWindowBytes" | "maxStreamBytes">,
    beside: () => number,
  ): StreamHost {
    const { input, output } = this.transformer;
    const calleeValues = new Values({ input, output: input });
    return {
      clock: this.#options.clock,
      beside,
      windowBytes: streamWindowBytes,
      budget: new StreamBudget(maxStreamBytes, streamWindowBytes),
      write: (value): unknown => output.serialize(value),
      read: (value) => this.#deserialize(value),
      shapeOf: (thrown, call) => {
        const error = asTRPCError(thrown);
        // A call that comes has a callee's streams.
        this.report(error, call as IncomingCall, scope);
        return this.encodeError(error, call as IncomingCall, scope);
      },
      readError: (shape) => calleeValues.readError(shape),
    };
  }

  /** Hands an error to `onError`, whose own errors are left out: there is nobody to tell them to. */
  report(error: TRPCError, call: IncomingCall | undefined, { ctx, req }: CallScope): void {
    try {
      const told: unknown = this.#options.onError({ error, ...this.#describe(call), ctx, req });
      if (isThenable(told)) told.then(undefined, () => {});
    } catch {}
  }

  /** The input is what the procedure was given; undefined where the transformer could not read it. */
  #describe(call: IncomingCall | undefined): Pick<ErrorReport<unknown>, "type" | "path" | "input"> {
    if (call === undefined) return { type: "unknown", path: undefined, input: undefined };
    const { type, path } = call;
    try {
      return { type, path, input: this.#readInput(call, withoutStreams(call.input)) };
    } catch {
      return { type, path, input: undefined };
    }
  }

  #start(procedure: CompiledProcedure | undefined, call: IncomingCall, scope: CallScope): void {
    if (call.over) return;
    if (procedure === undefined) throw notFound(call);
    if (procedure.type !== call.type) throw wrongType(call, procedure.type);
    const result = procedure.call(new DispatchedCall(call, scope.ctx, this.#readInput(call)));
    if (isThenable(result)) this.#later(result, call, scope, (value) => this.#answer(value, procedure, call, scope));
    else this.#answer(result, procedure, call, scope);
  }

  /** What is awaited ends in `fail` whatever happens, also when going on throws. */
  #later<T>(promise: PromiseLike<T>, call: IncomingCall, scope: CallScope, goOn: (value: T) => void): void {
    promise.then(goOn).then(undefined, (thrown: unknown) => this.fail(call, thrown, scope));
  }

  #readInput(call: IncomingCall, sent: unknown = call.input): unknown {
    const input = sent === undefined ? undefined : this.#deserialize(sent);
    const { lastEventId } = call.fields;
    return lastEventId === undefined ? input : addLastEventId(input, lastEventId);
  }

  #deserialize(input: unknown): unknown {
    try {
      return this.transformer.input.deserialize(input);
    } catch (cause) {
      throw new TRPCError({ code: "BAD_REQUEST", message: "the input cannot be read by the transformer", cause });
    }
  }

  #answer(result: unknown, procedure: CompiledProcedure, call: IncomingCall, scope: CallScope): void {
    if (call.type === "subscription") this.#subscribe(result, procedure, call, scope);
    else this.#sendResult(result, call);
  }

  #sendResult(result: unknown, call: IncomingCall): void {
    if (isObservable(result)) throw notAnItemSource(call);
    try {
      const value: unknown = this.transformer.output.serialize(result);
      if (!isAsyncIterable(result) || streamsOf(value) !== undefined) return call.sendResult(value);
    } catch (thrown) {
      throw unsendable(thrown);
    }
    throw notAnItemSource(call);
  }

  #subscribe(result: unknown, { showsEventIds }: CompiledProcedure, call: IncomingCall, scope: CallScope): void {
    if (result instanceof TopicSubscription) return new TopicPump(this, call, scope, showsEventIds).start(result);
    const source = isObservable(result) ? observableToAsyncIterable(result, call.signal) : result;
    if (!isAsyncIterable(source)) throw noItemSource(call);
    const onItem = (item: unknown): number => this.#sendItem(item, showsEventIds, call);
    const onError = (thrown: unknown): void => this.fail(call, thrown, scope);
    new Pump({ target: call, source, clock: this.clock, onItem, onError }).start();
  }

  sendEvent(id: string, data: unknown, showsId: boolean, call: IncomingCall): void {
    try {
      call.sendTrackedItem(id, this.transformer.output.serialize(data), showsId);
    } catch (thrown) {
      throw unsendable(thrown);
    }
  }

  sendGap({ from, to }: Gap, call: IncomingCall): void {
    call.sendGap(from, to);
  }

  #sendItem(item: unknown, showsEventIds: boolean, call: IncomingCall): number {
    const { output } = this.transformer;
    try {
      return isTrackedEnvelope(item)
        ? call.sendTrackedItem(item[0], output.serialize(item[1]), showsEventIds)
        : call.sendItem(output.serialize(item));
    } catch (thrown) {
      throw unsendable(thrown);
    }
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
