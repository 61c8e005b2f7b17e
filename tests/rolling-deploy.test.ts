/** Servers that are replaced one after the other, while clients go on: nothing fails, and nothing is run twice. */
import { createClient } from "@tautline/client";
import { MemoryNetwork, SeededRandom } from "@tautline/core/testing";
import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
import { initTRPC } from "@trpc/server";
import { expect, test } from "vitest";
import { z } from "zod";

const Work = z.object({ name: z.string(), waitMs: z.number() });

/** Clients whose mutations cross every goodbye, at a random moment of each. */
class Deploys {
  readonly started = new Map<string, number>();
  readonly failed: unknown[] = [];
  readonly #network: MemoryNetwork;
  readonly #random: SeededRandom;
  readonly #servers: MemoryServer[] = [];
  readonly #closing: Promise<void>[] = [];
  readonly #clients;
  #made = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.#network = new MemoryNetwork({ seed, latencyMs: [1, 40], connectMs: [1, 40] });
    const t = initTRPC.create();
    const router = t.router({
      work: t.procedure.input(Work).mutation(async ({ input: { name, waitMs } }) => {
        this.started.set(name, (this.started.get(name) ?? 0) + 1);
        if (waitMs > 0) await new Promise<void>((resolve) => this.#network.clock.setTimeout(resolve, waitMs));
        return name;
      }),
    });
    const url = (): string => `ws://memory/${this.#servers.length}`;
    const serve = (): MemoryServer => createMemoryServer({ router, network: this.#network, url: url() });
    this.deploy = () => {
      const old = this.#servers.at(-1);
      this.#servers.push(serve());
      if (old !== undefined) this.#closing.push(old.close({ drainMs: 2_000 }));
    };
    this.deploy();
    this.#clients = [1, 2, 3].map(() =>
      createClient<typeof router>({ url: () => this.#servers.at(-1)?.url ?? "", ...this.#network.clientOptions }),
    );
  }

  /** Starts a server, and has the one before it drained. */
  readonly deploy: () => void;

  async work(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 5) {
      for (const client of this.#clients) {
        const name = `mutation ${++this.#made}`;
        const waitMs = this.#random.pick([0, 0, 3, 50]);
        client.work.mutate({ name, waitMs }).then(
          (answer) => expect(answer).toBe(name),
          (error: unknown) => this.failed.push(error),
        );
      }
      await this.#network.advance(5);
    }
  }

  /** How many mutations there were. */
  async end(): Promise<number> {
    await this.#network.advance(5_000);
    for (const client of this.#clients) client.connection.close();
    const closing = this.#servers.at(-1)?.close({ drainMs: 0 });
    await this.#network.advance(1_000);
    await Promise.all([...this.#closing, closing]);
    return this.#made;
  }
}

test.each(Array.from({ length: 20 }, (_, index) => index + 1))(
  "every mutation is run once, and answered, through four deploys (seed %d)",
  async (seed) => {
    const deploys = new Deploys(seed);
    for (let deploy = 0; deploy < 4; deploy++) {
      await deploys.work(200);
      deploys.deploy();
    }
    await deploys.work(400);
    const made = await deploys.end();
    expect(deploys.failed).toEqual([]);
    expect([...deploys.started.values()].filter((times) => times !== 1)).toEqual([]);
    expect(deploys.started.size).toBe(made);
  },
);
