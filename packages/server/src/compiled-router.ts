import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { type CompiledProcedure, compileProcedure } from "./compiled-procedure.ts";

/** A router's procedures by dotted path, compiled once; those of lazy routers when their router is first used. */
export class CompiledRouter {
  readonly #definition: AnyTRPCRouter["_def"];
  readonly #procedures = new Map<string, CompiledProcedure>();

  constructor(router: AnyTRPCRouter) {
    this.#definition = router._def;
    this.#compileNew();
  }

  /**
   * The procedure at a dotted path; `undefined` when there is none, which also holds for names that every object
   * inherits. A promise only while a lazy router that could hold the path is loading. It rejects with what the loader
   * threw; as in tRPC, a loader runs once, so a later call gets the same rejection.
   */
  find(path: string): CompiledProcedure | undefined | Promise<CompiledProcedure | undefined> {
    return this.#procedures.get(path) ?? (this.#lazyKeyOf(path) === undefined ? undefined : this.#load(path));
  }

  /** A lazy router may hold further lazy routers, so loading goes on until the path is found or nothing is left to load. */
  async #load(path: string): Promise<CompiledProcedure | undefined> {
    let key = this.#lazyKeyOf(path);
    while (key !== undefined) {
      await this.#definition.lazy[key]?.load();
      this.#compileNew();
      const procedure = this.#procedures.get(path);
      if (procedure !== undefined) return procedure;
      key = this.#lazyKeyOf(path);
    }
    return undefined;
  }

  /** tRPC takes a lazy router off this table once it is loaded. */
  #lazyKeyOf(path: string): string | undefined {
    return Object.keys(this.#definition.lazy).find((key) => path === key || path.startsWith(`${key}.`));
  }

  #compileNew(): void {
    const procedures = this.#definition.procedures as Record<string, AnyTRPCProcedure>;
    for (const [path, procedure] of Object.entries(procedures)) {
      if (!this.#procedures.has(path)) this.#procedures.set(path, compileProcedure(procedure));
    }
  }
}
