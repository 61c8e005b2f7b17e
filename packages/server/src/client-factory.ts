import type { Contract } from "@tautline/core";
import type { ContractCalls, ProcedureCalls } from "@tautline/core/internals";
import type {
  AnyTRPCClientTypes,
  AnyTRPCProcedure,
  AnyTRPCRouter,
  inferProcedureInput,
  inferTRPCClientTypes,
  inferTransformedProcedureOutput,
  TRPCRouterRecord,
} from "@trpc/server";

/**
 * Makes what calls the procedures that the other end of a session exposes, from when the context stands for as long as the session
 * lives, whatever connections it takes.
 *
 * Calls reject with a TautlineError: `NOT_IMPLEMENTED` where the client exposes nothing, `PRECONDITION_FAILED` before the context
 * stands, `SESSION_LOST` or `CONNECTION_CLOSED` when the session is over (a mutation that was sent: `OUTCOME_UNKNOWN`),
 * `TOO_MANY_REQUESTS` where too much waits for the client already.
 */
export interface ClientFactory {
  /**
   * Of a contract that the client exposes. What comes back is checked with its schemas, which must be synchronous: what does not fit
   * rejects with `PARSE_ERROR`.
   *
   * @throws {ContractError} where the contract is none, or the router's transformer does not keep what it holds.
   */
  <C extends Contract>(contract: C): ContractCalls<C>;
  /** Of a tRPC router that the client exposes, by its type alone. What comes back is not checked. */
  <Router extends AnyTRPCRouter = never>(): RouterCalls<Router>;
}

/** A tRPC router's procedures, to be called by the names they have there, with the types that tRPC's client gives them. */
export type RouterCalls<Router extends AnyTRPCRouter> = RecordCalls<
  inferTRPCClientTypes<Router>,
  Router["_def"]["record"]
>;

type RecordCalls<Root extends AnyTRPCClientTypes, Record extends TRPCRouterRecord> = {
  readonly [Name in keyof Record]: Record[Name] extends infer Value
    ? Value extends AnyTRPCProcedure
      ? ProcedureCalls<
          inferProcedureInput<Value>,
          inferTransformedProcedureOutput<Root, Value>,
          Root["errorShape"]
        >[Value["_def"]["type"]]
      : Value extends TRPCRouterRecord
        ? RecordCalls<Root, Value>
        : never
    : never;
};
