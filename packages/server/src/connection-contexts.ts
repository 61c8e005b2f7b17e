import type { IncomingMessage } from "node:http";
import { TautlineError } from "@tautline/core";
import { parseConnectionParamsFromUnknown } from "@trpc/server/http";
import { connectionInfo } from "./connection-info.ts";
import type { CreateContextOptions } from "./options.ts";
import type { ServerSession } from "./server-session.ts";
import { type ClientHost, SessionClient } from "./session-client.ts";

/** What contexts are made from. */
export interface ContextHost extends ClientHost {
  readonly createContext: ((options: CreateContextOptions) => unknown) | undefined;
}

/** The contexts that one connection is for: that of its hello, and those of credentials that come later. */
export class ConnectionContexts {
  readonly #host: ContextHost;
  readonly #request: IncomingMessage;
  /** Of the context that hello asked for, until its session is known. */
  #client: SessionClient | undefined = undefined;
  /** Made when it is asked for. */
  #gone: AbortController | undefined = undefined;
  #closed = false;

  constructor(host: ContextHost, request: IncomingMessage) {
    this.#host = host;
    this.#request = request;
  }

  /** For hello: whose session it will be, `bind` says. @throws whatever `createContext` does; TRPCError where the params are none. */
  create(params: unknown): unknown {
    this.#client = new SessionClient(this.#host, undefined);
    return this.#create(params, this.#client);
  }

  /** For new credentials. */
  renew(params: unknown, session: ServerSession | undefined): unknown {
    return this.#create(params, new SessionClient(this.#host, session));
  }

  /** The context that hello asked for is this session's. */
  bind(session: ServerSession): void {
    this.#client?.bind(session);
    this.#client = undefined;
  }

  /** The connection is gone. */
  close(): void {
    this.#closed = true;
    this.#gone?.abort(connectionGone());
  }

  #create(params: unknown, client: SessionClient): unknown {
    const connectionParams = parseConnectionParamsFromUnknown(params ?? null);
    const { createContext } = this.#host;
    if (createContext === undefined) return undefined;
    const info = connectionInfo(this.#request, connectionParams, () => this.#goneSignal());
    return createContext({ req: this.#request, info, client: client.create });
  }

  #goneSignal(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#closed) this.#gone.abort(connectionGone());
    return this.#gone.signal;
  }
}

export function connectionGone(): TautlineError {
  return new TautlineError({ code: "CONNECTION_CLOSED", message: "the client is gone" });
}
