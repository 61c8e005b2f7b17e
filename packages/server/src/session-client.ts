import { type Contract, findProcedure, TautlineError, validate } from "@tautline/core";
import {
  type CallConnection,
  type CallRuntime,
  createProcedureProxy,
  type Deadlines,
  type OutgoingCalls,
  Values,
} from "@tautline/core/internals";
import type { ClientFactory } from "./client-factory.ts";
import type { ServerSession } from "./server-session.ts";

/** What the clients of a server's sessions share. */
export interface ClientHost {
  readonly deadlines: Deadlines;
  readonly values: Values;
  /** @throws {ContractError} where clients cannot be called by it. */
  checkClientContract(contract: Contract): void;
}

/** Calls the client of the session that a context is for. */
export class SessionClient implements CallConnection, CallRuntime {
  readonly connection: CallConnection = this;
  readonly deadlines: Deadlines;
  readonly values: Values;
  /** What a context gets. A boundary of inference: what the proxies are only the types know. */
  readonly create: ClientFactory = ((contract?: Contract) => this.#create(contract)) as ClientFactory;
  readonly #host: ClientHost;
  #session: ServerSession | undefined;

  /** @param session undefined where it is not known yet: a resume is decided by the context. */
  constructor(host: ClientHost, session: ServerSession | undefined) {
    this.#host = host;
    this.deadlines = host.deadlines;
    this.values = host.values;
    this.#session = session;
  }

  get calls(): OutgoingCalls {
    return this.#known().calls;
  }

  /** The context stands, and belongs to this session. */
  bind(session: ServerSession): void {
    this.#session = session;
  }

  use(): void {
    this.#known().checkCallable();
  }

  release(): void {}

  #create(contract: Contract | undefined): unknown {
    if (contract === undefined) return createProcedureProxy(this, {});
    this.#host.checkClientContract(contract);
    return createProcedureProxy(new CheckingClient(this, contract), { contract });
  }

  #known(): ServerSession {
    if (this.#session !== undefined) return this.#session;
    const message = "the client can be called when its context stands";
    throw new TautlineError({ code: "PRECONDITION_FAILED", message });
  }
}

/** A client as a contract describes it. */
class CheckingClient implements CallRuntime {
  readonly connection: CallConnection;
  readonly deadlines: Deadlines;
  readonly values: Values;
  readonly #client: SessionClient;

  constructor(client: SessionClient, contract: Contract) {
    this.connection = client;
    this.deadlines = client.deadlines;
    this.values = new CheckedValues(client.values, contract);
    this.#client = client;
  }

  get calls(): OutgoingCalls {
    return this.#client.calls;
  }
}

/** Clients are strangers: what they answer has to fit the contract. */
class CheckedValues extends Values {
  readonly #contract: Contract;

  constructor(values: Values, contract: Contract) {
    super(values);
    this.#contract = contract;
  }

  /** @param path left out for errors, of which a contract says nothing. */
  override read(value: unknown, path?: string): unknown {
    if (path === undefined) return super.read(value);
    const schema = findProcedure(this.#contract, path)?.output;
    const result = schema && validate(schema, super.read(value));
    if (!(result instanceof Promise)) return result;
    result.catch(() => {});
    throw new TypeError("what clients answer cannot be checked by an asynchronous schema");
  }
}
