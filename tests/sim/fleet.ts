import { createMemoryServer, type MemoryServer } from "@tautline/server/testing";
import { TRPCError } from "@trpc/server";
import { router } from "./application.ts";
import type { Scene } from "./scene.ts";

/** The servers of a schedule, each in the place of the one before. */
export class Fleet {
  readonly #scene: Scene;
  readonly #servers: MemoryServer[] = [];
  #refusals: number;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#refusals = scene.settings.refusals;
    this.#start();
  }

  /** Where the newest listens. */
  get url(): string {
    return this.#servers.at(-1)?.url ?? "";
  }

  get parkedSessions(): number {
    return this.#servers.reduce((sum, server) => sum + server.parkedSessions, 0);
  }

  get parkedLength(): number {
    return this.#servers.reduce((sum, server) => sum + server.parkedLength, 0);
  }

  drain(drainMs: number): void {
    const old = this.#servers.at(-1);
    if (old === undefined || this.#servers.length > 3) return;
    const { witness } = this.#scene;
    this.#start();
    witness.excuseAll("a server is drained");
    witness.draining = true;
    void old.close({ drainMs }).then(() => {
      witness.excuseAll("a server has been drained");
      witness.draining = false;
    });
  }

  /** Nobody listens there any more. Returns whether there was one that could be: its connections are to be cut. */
  kill(): boolean {
    const old = this.#servers.at(-1);
    if (old === undefined || this.#servers.length > 3) return false;
    this.#scene.network.listen(old.url, () => {})();
    this.#start();
    this.#scene.witness.excuseAll("a server was killed");
    return true;
  }

  measureKept(): void {
    const { settings, largest } = this.#scene;
    for (const { parkedSessions, parkedLength } of this.#servers) {
      this.#scene.measure("kept sessions", parkedSessions, settings.maxParkedSessions);
      // One message may be larger than the limit.
      this.#scene.measure("kept text", parkedLength, parkedSessions * (settings.replayBytes + largest + 1_800));
    }
  }

  close(): void {
    for (const server of this.#servers) void server.close({ drainMs: 0 });
  }

  /** All are closed. */
  measureLeft(): void {
    for (const server of this.#servers) {
      this.#scene.measure("left connections at a server", server.connections, 0);
      this.#scene.measure("left sessions at a server", server.parkedSessions, 0);
    }
  }

  #start(): void {
    const { network, world, store, settings } = this.#scene;
    const { replayBytes, sessionWindowMs, maxParkedSessions, contextMs } = settings;
    const node = this.#servers.length;
    const server = createMemoryServer({
      router,
      network,
      url: `ws://memory/${node + 1}`,
      createContext: async ({ info, client: calls }) => {
        await world.sleep(contextMs);
        if (this.#refusals-- > 0) throw new TRPCError({ code: "INTERNAL_SERVER_ERROR" });
        return { client: info.connectionParams?.["client"] ?? "", node, world, calls };
      },
      identify: ({ client }) => client,
      onError: ({ error, path }) =>
        this.#scene.say(() => `server: ${path ?? "connection"}: ${error.code} ${error.message}`),
      onSession: ({ type, identity, reason }) =>
        this.#scene.say(() => `server: session of ${identity} ${type} ${reason?.message ?? ""}`),
      ...(store !== undefined && { idempotency: store }),
      replayBytes,
      sessionWindowMs,
      maxParkedSessions,
      helloTimeoutMs: 2_000,
      heartbeatMs: 5_000,
      deadAfterMs: 2_000,
    });
    this.#servers.push(server);
  }
}
