import { FakeClock } from "@tautline/core/testing";
import { type AnyTRPCRouter, initTRPC } from "@trpc/server";
import type { Acceptor } from "../src/acceptor.ts";
import type { ServeOptions, SessionEvent } from "../src/options.ts";
import { createAcceptor, MemoryClient, settled } from "./memory-client.ts";

/** What its handlers get. */
export interface Context {
  readonly user: string | undefined;
}

const t = initTRPC.context<Context>().create();

/** A server in memory whose handlers note what they do and wait to be let go. */
export class AcceptorSetup {
  readonly clock: FakeClock = new FakeClock();
  readonly acceptor: Acceptor;
  readonly events: SessionEvent[] = [];
  readonly started: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly #waiting: ((value: string) => void)[] = [];

  constructor(options: Partial<ServeOptions<AnyTRPCRouter>> = {}) {
    const router = t.router({
      who: t.procedure.query(({ ctx }) => ctx.user ?? "nobody"),
      wait: t.procedure
        .input((input: unknown) => input)
        .mutation(({ input, signal }) => {
          this.started.push(String(input));
          if (signal !== undefined) this.signals.push(signal);
          return new Promise<string>((resolve) => this.#waiting.push(resolve));
        }),
      count: t.procedure.subscription(async function* () {
        for (let count = 0; ; count++) {
          yield count;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }),
      big: t.procedure.query(() => "x".repeat(10_000)),
    });
    this.acceptor = createAcceptor(
      {
        router,
        createContext: ({ info }): Context => ({ user: info.connectionParams?.["user"] }),
        identify: (ctx: unknown) => (ctx as Context).user,
        onSession: (event) => this.events.push(event),
        ...options,
      },
      this.clock,
    );
  }

  /** The handlers that wait answer. */
  async answer(value = "done"): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve(value);
    await settled();
  }

  connect(): MemoryClient {
    return new MemoryClient(this.acceptor);
  }

  /** A client that was welcomed, and has said so. */
  async open(fields: object = {}): Promise<MemoryClient> {
    const client = this.connect();
    await client.send([0, 1, fields]);
    await client.send([5, 0]);
    return client;
  }

  /** A client that asks to go on with a session. */
  async resume(token: string | undefined, received: number, params: object = {}): Promise<MemoryClient> {
    const client = this.connect();
    await client.send([0, 1, { params, token, received }]);
    return client;
  }

  get types(): readonly string[] {
    return this.events.map(({ type }) => type);
  }
}
