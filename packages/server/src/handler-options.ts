import type { TRPCError, TRPCProcedureType } from "@trpc/server";
import type { middlewareMarker } from "@trpc/server/unstable-core-do-not-import";
import { destructuredNames } from "./destructured-names.ts";
import type { ProcedureCall } from "./procedure-call.ts";
import type { Handler, ProcedureParts } from "./procedure-parts.ts";

/** Returns the input as the client sent it, before any schema. */
export type GetRawInput = () => Promise<unknown>;

/** What `next()` resolves to and a middleware returns: tRPC's middleware result. */
export type Outcome = Success | Failure;

export interface Success {
  readonly marker: typeof middlewareMarker;
  readonly ok: true;
  readonly data: unknown;
  readonly ctx: unknown;
}

export interface Failure {
  readonly marker: typeof middlewareMarker;
  readonly ok: false;
  readonly error: TRPCError;
}

/** Runs the rest of the procedure. `ctx` is added to the context; `input` and `getRawInput` replace what was there. */
export type Next = (overrides?: {
  readonly ctx?: object;
  readonly input?: unknown;
  readonly getRawInput?: GetRawInput;
}) => Promise<Outcome>;

/** What a resolver gets. Every property is an own enumerable one, so that destructuring and spreading both work. */
export class ResolverOptions {
  readonly ctx: unknown;
  readonly input: unknown;
  readonly path: string;
  readonly type: TRPCProcedureType;
  readonly meta: unknown;
  readonly batchIndex: number;
  readonly getRawInput: GetRawInput;
  readonly #call: ProcedureCall;

  constructor(
    procedure: ProcedureParts,
    call: ProcedureCall,
    ctx: unknown,
    input: unknown,
    getRawInput: GetRawInput | undefined,
  ) {
    this.ctx = ctx;
    this.input = input;
    this.path = call.path;
    this.type = procedure.type;
    this.meta = procedure.meta;
    this.batchIndex = call.batchIndex;
    this.getRawInput = getRawInput ?? (async () => call.input);
    this.#call = call;
  }

  // One descriptor for all: a getter of its own for each object was measured at five times the cost.
  static readonly #signal: PropertyDescriptor & ThisType<ResolverOptions> = {
    get() {
      return this.#call.signal;
    },
    set(value: unknown) {
      Object.defineProperty(this, "signal", { value, writable: true, enumerable: true, configurable: true });
    },
    enumerable: true,
    configurable: true,
  };

  /**
   * Adds `signal`, which reads the call's signal when it is itself read: an AbortController for each call would cost
   * more than the rest of the call together.
   */
  addSignal(): this {
    return Object.defineProperty(this, "signal", ResolverOptions.#signal);
  }
}

/** What a middleware gets. */
export class MiddlewareOptions extends ResolverOptions {
  readonly next: Next;

  constructor(
    procedure: ProcedureParts,
    call: ProcedureCall,
    ctx: unknown,
    input: unknown,
    getRawInput: GetRawInput | undefined,
    next: Next,
  ) {
    super(procedure, call, ctx, input, getRawInput);
    this.next = next;
  }
}

/** Whether a handler could read `signal`; defining it costs more than the rest of the options. */
export function canReadSignal(handler: Handler): boolean {
  return destructuredNames(handler)?.has("signal") ?? true;
}
