import type { IncomingMessage } from "node:http";
import { badMessage, type Deadlines } from "@tautline/core/internals";
import { TRPCError } from "@trpc/server";
import type { ConnectionContexts } from "./connection-contexts.ts";
import { asTRPCError } from "./dispatch-error.ts";
import type { ServerLimits } from "./options.ts";
import type { ServerSession } from "./server-session.ts";

/** Credentials of one connection that wait for their turn. */
const maxWaiting = 16;

export interface RenewalHost {
  readonly deadlines: Deadlines;
  readonly limits: Pick<ServerLimits, "helloTimeoutMs">;
  readonly identify: ((ctx: unknown) => string | undefined) | undefined;
}

/** The connection over which newer credentials come. */
export interface RenewedConnection {
  readonly contexts: ConnectionContexts;
  readonly request: IncomingMessage;
  /** Undefined once a newer connection carries it, or this one is closed. */
  readonly session: ServerSession | undefined;
  /** Tells the client what came of its credentials: an error where they are not taken. */
  onRenewed(error?: TRPCError): void;
}

/** Contexts made anew from newer credentials: one at a time, in their order, each within a time. */
export class ContextRenewals {
  readonly #host: RenewalHost;
  readonly #connection: RenewedConnection;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(host: RenewalHost, connection: RenewedConnection) {
    this.#host = host;
    this.#connection = connection;
  }

  /** The session goes on with the context that is made of these. @throws TautlineError `BAD_MESSAGE` where too many wait already. */
  add(params: unknown): void {
    if (this.#waiting >= maxWaiting) throw badMessage("too many credentials at once");
    const { contexts } = this.#connection;
    this.#waiting++;
    this.#last = this.#last
      .then(() => this.#inTime(() => contexts.renew(params, this.#connection.session)))
      .then((ctx) => this.#take(ctx))
      .then(undefined, (thrown: unknown) => this.#connection.onRenewed(asTRPCError(thrown)))
      .finally(() => {
        this.#waiting--;
      });
  }

  /** @throws TRPCError `FORBIDDEN` where it is somebody else's. */
  #take(ctx: unknown): void {
    const { session, request } = this.#connection;
    // A newer connection has brought credentials of its own.
    if (session === undefined) return;
    if (this.#host.identify?.(ctx) !== session.identity) throw new TRPCError({ code: "FORBIDDEN" });
    session.renew(ctx, request);
    this.#connection.onRenewed();
  }

  #inTime(create: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onTimeout = (): void => reject(new TRPCError({ code: "TIMEOUT" }));
      const deadline = this.#host.deadlines.add(this.#host.limits.helloTimeoutMs, onTimeout);
      const end = (settle: (value: unknown) => void) => (value: unknown) => {
        deadline.cancel();
        settle(value);
      };
      new Promise((made) => made(create())).then(end(resolve), end(reject));
    });
  }
}
