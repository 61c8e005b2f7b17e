import { type Contract, findProcedure, TautlineError, validate } from "@tautline/core";
import {
  Caller,
  type CallerConnection,
  type CallerParts,
  createProcedureProxy,
  type Deadlines,
  type OutgoingCalls,
  type Transformer,
} from "@tautline/core/internals";
import type { ClientFactory } from "./client-factory.ts";
import type { ServerSession } from "./server-session.ts";

/** What the clients of a server's sessions share. */
export interface ClientHost {
  readonly deadlines: Deadlines;
  readonly transformer: Transformer;
  /** @throws {ContractError} where clients cannot be called by it. */
  checkClientContract(contract: Contract): void;
}

/** Calls the client of the session that a context is for. */
export class SessionClient implements CallerConnection, CallerParts {
  readonly deadlines: Deadlines;
  readonly transformer: Transformer;
  /** What a context gets. A boundary of inference: what the proxies are only the types know. */
  readonly create: ClientFactory = ((contract?: Contract) => this.#create(contract)) as ClientFactory;
  readonly #host: ClientHost;
  #session: ServerSession | undefined;

  /** @param session undefined where it is not known yet: a resume is decided by the context. */
  constructor(host: ClientHost, session: ServerSession | undefined) {
    this.#host = host;
    this.deadlines = host.deadlines;
    this.transformer = host.transformer;
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
    if (contract === undefined) return createProcedureProxy(new Caller(this, this), {});
    this.#host.checkClientContract(contract);
    return createProcedureProxy(new CheckingCaller(this, contract), { contract });
  }

  #known(): ServerSession {
    if (this.#session !== undefined) return this.#session;
    const message = "the client can be called when its context stands";
    throw new TautlineError({ code: "PRECONDITION_FAILED", message });
  }
}

/** Clients are strangers: what they answer has to fit the contract. */
class CheckingCaller extends Caller {
  readonly #contract: Contract;

  constructor(client: SessionClient, contract: Contract) {
    super(client, client);
    this.#contract = contract;
  }

  override read(value: unknown, path: string): unknown {
    const schema = findProcedure(this.#contract, path)?.output;
    const result = schema && validate(schema, super.read(value, path));
    if (!(result instanceof Promise)) return result;
    result.catch(() => {});
    throw new TypeError("what clients answer cannot be checked by an asynchronous schema");
  }
}
