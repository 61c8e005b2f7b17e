import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Message, WelcomeFields } from "@tautline/core/internals";
import { type FakeClock, MemoryLink, messagesOf } from "@tautline/core/testing";
import type { AnyTRPCRouter } from "@trpc/server";
import { Acceptor } from "../src/acceptor.ts";
import type { ServeOptions } from "../src/options.ts";

/** An acceptor without a network: its clock stands still, and its clients are `MemoryClient`s. */
export function createAcceptor(options: ServeOptions<AnyTRPCRouter>, clock: FakeClock): Acceptor {
  return new Acceptor({ onError: () => {}, ...options }, clock);
}

/** A client that says what it likes, over a socket in memory. */
export class MemoryClient {
  /** Every message that has come. */
  readonly messages: (readonly [type: number, ...unknown[]])[] = [];
  /** How the connection ended; undefined while it is open. */
  closed: { readonly code: number; readonly reason: string } | undefined = undefined;
  readonly #link = new MemoryLink();

  constructor(acceptor: Acceptor, headers: Record<string, string> = {}) {
    const request = new IncomingMessage(new Socket());
    request.url = "/";
    Object.assign(request.headers, headers);
    acceptor.accept(this.#link.server, request);
    this.#link.client.listen({
      onFrame: (frame) => this.messages.push(...messagesOf(frame)),
      onClosed: (code, reason) => {
        this.closed = { code, reason };
      },
    });
  }

  /** Sends messages in one frame. */
  async send(...messages: readonly (Message | readonly unknown[])[]): Promise<void> {
    this.#link.client.send(JSON.stringify(messages));
    await settled();
  }

  /** How many of its frames the server has not read. */
  get unread(): number {
    return this.#link.client.inFlight;
  }

  /** Messages of a type that have come. */
  of(type: number): readonly (readonly [type: number, ...unknown[]])[] {
    return this.messages.filter((message) => message[0] === type);
  }

  /** What welcome said; undefined before it has come. */
  get welcome(): WelcomeFields | undefined {
    return this.of(1)[0]?.[1] as WelcomeFields | undefined;
  }

  async close(code: number): Promise<void> {
    this.#link.client.close(code, "");
    await settled();
  }

  /** The connection goes without a word. */
  async cut(): Promise<void> {
    this.#link.cut();
    await settled();
  }

  /** Nothing goes through any more, and nobody is told. */
  async stall(): Promise<void> {
    this.#link.client.stall();
    this.#link.server.stall();
    await settled();
  }

  /** What the server sends does not come any more, and nobody is told. */
  async stallDown(): Promise<void> {
    this.#link.server.stall();
    await settled();
  }
}

/** Lets everything happen that needs no time. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
