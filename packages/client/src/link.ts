import type { TautlineError } from "@tautline/core";
import { Call, type CallHandlers, report, type TransformerOption } from "@tautline/core/internals";
import { type Operation, type OperationResultObserver, TRPCClientError, type TRPCLink } from "@trpc/client";
import type { TRPCConnectionState, TransformerOptions } from "@trpc/client/unstable-internals";
import type { AnyTRPCRouter, inferTRPCClientTypes } from "@trpc/server";
import { observable } from "@trpc/server/observable";
import type { TRPCErrorShape } from "@trpc/server/rpc";
import { type Caller, createCaller } from "./caller.ts";
import type { ClientConnection, ConnectionState } from "./connection-state.ts";
import type { ConnectionOptions } from "./options.ts";

/** The link's options: how to connect, and the router's transformer where it has one. */
export type TautlineLinkOptions<Router extends AnyTRPCRouter> = ConnectionOptions &
  TransformerOptions<inferTRPCClientTypes<Router>>;

/** A terminating link, with its connection. */
export type TautlineLink<Router extends AnyTRPCRouter> = TRPCLink<Router> & { readonly connection: ClientConnection };

/**
 * A terminating link for `createTRPCClient`: tRPC's client and everything built on it, over the same connection, with the same
 * recovery, as `createClient`. It has one connection, however many clients use it. As over tRPC's own links, a subscription that is
 * aborted is complete, and one that goes on after its connection was lost says that it has started.
 */
export function tautlineLink<Router extends AnyTRPCRouter>(options: TautlineLinkOptions<Router>): TautlineLink<Router> {
  // The two types of `transformer`, needed and forbidden, are there to be checked at the call alone.
  const { transformer } = options as { transformer?: TransformerOption };
  const caller = createCaller(options, transformer);
  const link: TRPCLink<Router> =
    () =>
    ({ op }) =>
      observable((observer) => {
        const start = (): (() => void) =>
          op.type === "subscription" ? subscribe(caller, op, observer) : request(caller, op.type, op, observer);
        if (caller.connection.state.status !== "closed") return start();
        // It is refused at once. Who then calls again at once, as `retryLink` may, leaves other turns to the rest of the program.
        const deadline = caller.deadlines.add(0, () => {
          stop = start();
        });
        let stop = (): void => deadline.cancel();
        return () => stop();
      });
  return Object.assign(link, { connection: caller.connection });
}

/** Sends a query or mutation; returns what aborts it. */
function request<Router extends AnyTRPCRouter>(
  caller: Caller,
  type: "query" | "mutation",
  { path, input, context, signal }: Operation,
  observer: OperationResultObserver<Router, unknown>,
): () => void {
  const onDone = (data: unknown): void => {
    observer.next({ result: { type: "data", data }, context });
    observer.complete();
  };
  const onError = (error: TautlineError): void => observer.error(toClientError(error));
  const call = new Call(caller, { type, path, input, options: { signal } }, { onDone, onError });
  return () => call.cancel();
}

/** Subscribes; returns what ends it. */
function subscribe<Router extends AnyTRPCRouter>(
  caller: Caller,
  { path, input, context, signal }: Operation,
  observer: OperationResultObserver<Router, unknown>,
): () => void {
  let startedAs: number | undefined;
  const onStarted = (): void => {
    startedAs = call.id;
    observer.next({ result: { type: "started" }, context });
  };
  const handlers: CallHandlers = {
    onStarted,
    onItem: (data, id, take) => {
      take();
      observer.next({ result: { type: "data", data, ...(id !== undefined && { id }) }, context });
    },
    // Whoever aborts it is done with it, in a loop too; over tRPC's own links it is no error either.
    onError: (error) => (signal?.aborted === true ? observer.complete() : observer.error(toClientError(error))),
    onDone: () => {
      observer.next({ result: { type: "stopped" }, context });
      observer.complete();
    },
  };
  const tell = (state: ConnectionState): void => observer.next({ result: toTrpcState(state), context });
  // First that of now. What whoever hears it throws harms nothing.
  report(() => tell(caller.connection.state));
  const unwatch = caller.connection.subscribe((state) => {
    tell(state);
    // It goes on: whoever has heard of "connecting" waits for a start after it, such as tRPC's hooks for React.
    if (state.status === "online" && call.id === startedAs) onStarted();
  });
  const call = new Call(caller, { type: "subscription", path, input, options: { signal } }, handlers);
  return () => {
    unwatch();
    call.cancel();
  };
}

/** tRPC's error, with the server's shape where there is one. */
function toClientError<Router extends AnyTRPCRouter>(error: TautlineError): TRPCClientError<Router> {
  const { shape } = error;
  if (isErrorShape(shape)) return TRPCClientError.from({ error: shape }, { cause: error });
  return new TRPCClientError(error.message, { cause: error });
}

function isErrorShape(shape: unknown): shape is TRPCErrorShape {
  const { code, message } = Object(shape) as { code?: unknown; message?: unknown };
  return typeof code === "number" && typeof message === "string";
}

/** tRPC knows three states. */
function toTrpcState<Router extends AnyTRPCRouter>(
  state: ConnectionState,
): TRPCConnectionState<TRPCClientError<Router>> {
  const { status } = state;
  if (status === "reconnecting") return { type: "state", state: "connecting", error: toClientError(state.reason) };
  const other = status === "connecting" ? status : status === "online" ? "pending" : "idle";
  return { type: "state", state: other, error: null };
}
