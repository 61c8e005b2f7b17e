import type { Server as HttpServer } from "node:http";

/** Who answers upgrades on a path. */
interface PathOwner {
  /** Whether it still takes clients. */
  readonly closing: boolean;
}

const owners = new WeakMap<HttpServer, Map<string, PathOwner>>();

/**
 * From now on upgrades on the path are this server's; one that drains leaves them to it.
 *
 * @throws TypeError where the path is none that a client can ask for, or another server has it.
 */
export function claimPath(http: HttpServer, path: string, owner: PathOwner): void {
  const asked = new URL(path, "ws://localhost").pathname;
  if (asked !== path) throw new TypeError(`path: clients cannot ask for "${path}", but for "${asked}"`);
  const paths = owners.get(http) ?? new Map<string, PathOwner>();
  if (paths.get(path)?.closing === false) throw new TypeError(`path: another server has "${path}" already`);
  owners.set(http, paths.set(path, owner));
}

export function ownsPath(http: HttpServer, path: string, owner: PathOwner): boolean {
  return owners.get(http)?.get(path) === owner;
}
