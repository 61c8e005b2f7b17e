import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { type CompiledProcedure, compileProcedure } from "./compiled-procedure.ts";

/** A router's procedures by dotted path, compiled once; those of lazy routers when they are first called. */
export class CompiledRouter {
  readonly #definition: AnyTRPCRouter["_def"];
  readonly #procedures = new Map<string, CompiledProcedure>();

  constructor(router: AnyTRPCRouter) {
    this.#definition = router._def;
    for (const path of Object.keys(router._def.procedures as object)) this.#known(path);
  }

  /**
   * The procedure at a dotted path; `undefined` when there is none, which also holds for names that every object
   * inherits. A promise only while a lazy router that could hold the path is loading. It rejects with what the loader
   * threw; as in tRPC, a loader runs once, so a later call gets the same rejection.
   */
  find(path: string): CompiledProcedure | undefined | Promise<CompiledProcedure | undefined> {
    return this.#known(path) ?? (this.#lazyKeyOf(path) === undefined ? undefined : this.#load(path));
  }

  /** A lazy router may hold further lazy routers, so loading goes on until the path is found or nothing is left to load. */
  async #load(path: string): Promise<CompiledProcedure | undefined> {
    let key = this.#lazyKeyOf(path);
    while (key !== undefined) {
      await this.#definition.lazy[key]?.load();
      const procedure = this.#known(path);
      if (procedure !== undefined) return procedure;
      key = this.#lazyKeyOf(path);
    }
    return undefined;
  }

  /** tRPC takes a lazy router off this table once it is loaded. */
  #lazyKeyOf(path: string): string | undefined {
    return Object.keys(this.#definition.lazy).find((key) => path === key || path.startsWith(`${key}.`));
  }

  /** One that is loaded, by whomever: others may have the same router. */
  #known(path: string): CompiledProcedure | undefined {
    const known = this.#procedures.get(path);
    if (known !== undefined) return known;
    const procedures = this.#definition.procedures as Record<string, AnyTRPCProcedure>;
    const procedure = Object.hasOwn(procedures, path) ? procedures[path] : undefined;
    if (procedure === undefined) return undefined;
    const compiled = compileProcedure(procedure);
    this.#procedures.set(path, compiled);
    return compiled;
  }
}
