import { contract, query } from "@tautline/core";
import { Call } from "@tautline/core/internals";
import { MemoryNetwork } from "@tautline/core/testing";
import { describe, expect, test } from "vitest";
import { Line, type Sent } from "../testing/client-setup.ts";
import { type Caller, createCaller } from "./caller.ts";
import type { ClientConnection } from "./connection-state.ts";
import { expose } from "./expose.ts";

type Does = "close" | "reconnect";

/** A client that closes, or connects again, in the very moment in which it hears that something was lost. */
class Setup {
  readonly network: MemoryNetwork = new MemoryNetwork({
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  });
  readonly lines: Line[] = [];
  readonly caller: Caller;
  readonly #does: Does;

  constructor(does: Does) {
    this.#does = does;
    this.network.listen("ws://server/", (socket) => this.lines.push(new Line(socket)));
    const options = {
      url: "ws://server/",
      backoff: { baseMs: 10, maxMs: 10 },
      expose: expose(contract({ wait: query() }), { wait: ({ signal }) => this.#wait(signal) }),
      ...this.network.clientOptions,
      random: () => 0.5,
    };
    this.caller = createCaller(options, undefined);
  }

  get connection(): ClientConnection {
    return this.caller.connection;
  }

  /** Is online, with a mutation under way. */
  async start(welcome: object): Promise<void> {
    const handlers = { onDone: () => {}, onError: () => this.connection[this.#does]() };
    new Call(this.caller, { type: "mutation", path: "save", input: 1, options: {} }, handlers);
    await this.welcome(welcome);
  }

  async welcome(fields: object): Promise<void> {
    await this.say([1, fields]);
  }

  async say(...messages: readonly Sent[]): Promise<void> {
    await this.network.advance(10);
    this.lines.at(-1)?.say(...messages);
    await this.network.advance(10);
  }

  async cut(): Promise<void> {
    this.lines.at(-1)?.cut();
    await this.network.advance(10);
  }

  /** What became of it, how often it has connected, and what is left of it once it is closed: connections, and timers. */
  async outcome(): Promise<readonly unknown[]> {
    await this.network.advance(1_000);
    const { status } = this.connection.state;
    const connections = this.lines.length;
    this.connection.close();
    await this.network.advance(10);
    const open = this.lines.filter(({ closed }) => closed === undefined).length;
    return [status, connections, open, this.network.clock.timers];
  }

  #wait(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.connection[this.#does]());
    return new Promise(() => {});
  }
}

describe.each<Does>(["close", "reconnect"])("whoever hears of what is lost may %s the client,", (does) => {
  const [status, more] = does === "close" ? ["closed", 0] : ["connecting", 1];

  test("where no welcome gave the session a token", async () => {
    const setup = new Setup(does);
    await setup.start({});
    await setup.cut();
    expect(await setup.outcome()).toEqual([status, 1 + more, 0, 0]);
  });

  test("where the server that went away is gone", async () => {
    const setup = new Setup(does);
    await setup.start({ token: "t", windowMs: 100 });
    await setup.say([6, 10_000]);
    await setup.cut();
    expect(await setup.outcome()).toEqual([status, 1 + more, 0, 0]);
  });

  test("where the session ends while it is asked for", async () => {
    const setup = new Setup(does);
    await setup.start({ token: "t", windowMs: 100 });
    await setup.cut();
    await setup.network.advance(200);
    const { length } = setup.lines;
    await setup.welcome({ token: "t2", windowMs: 100 });
    const { state } = setup.connection;
    expect([state.status, setup.lines.length]).toEqual([does === "close" ? "closed" : "online", length]);
  });

  test("where the welcome is to a new one", async () => {
    const setup = new Setup(does);
    await setup.start({ token: "t", windowMs: 60_000 });
    await setup.cut();
    await setup.welcome({ token: "t2", windowMs: 60_000 });
    expect(setup.connection.state.status).toBe(does === "close" ? "closed" : "reconnecting");
    await setup.network.advance(10);
    expect(setup.lines.length).toBe(2 + more);
  });

  test("where a session is left for that with the next server", async () => {
    const setup = new Setup(does);
    setup.connection.connect();
    await setup.welcome({ token: "t" });
    await setup.say([10, 1, "wait", {}]);
    await setup.say([6, 10]);
    await setup.welcome({ token: "t2" });
    expect(await setup.outcome()).toEqual([status, 2 + more, 0, 0]);
  });
});
