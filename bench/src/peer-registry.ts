import type { Peer } from "./peer.ts";

/** What the others are measured against. */
export const baseline = "ws-raw";

/** Tautline without what this measures the cost of: shown by `pnpm bench:session-cost` alone. */
export const sessionless = "tautline-no-session";

/** Each is loaded by the two processes that run it, and by no other. */
const loaders: Readonly<Record<string, () => Promise<{ readonly peer: Peer }>>> = {
  "ws-raw": () => import("./peers/ws-raw.ts"),
  "ws-batch": () => import("./peers/ws-batch.ts"),
  tautline: () => import("./peers/tautline.ts"),
  "tautline-contract": () => import("./peers/tautline-contract.ts"),
  trpc: () => import("./peers/trpc.ts"),
  "tautline-rich": () => import("./peers/tautline-rich.ts"),
  "trpc-superjson": () => import("./peers/trpc-superjson.ts"),
  [sessionless]: () => import("./peers/tautline-no-session.ts"),
};

/** Those that carry bytes. */
export const bytesPeers: readonly string[] = [baseline, "tautline-rich", "trpc-superjson"];

/** Those that have streams in answers. */
export const downloadPeers: readonly string[] = [baseline, "ws-batch", "tautline-contract"];

/** What `pnpm bench` compares. */
export const peerNames: readonly string[] = Object.keys(loaders).filter((name) => name !== sessionless);

/** Those that are compared with JSON. */
export const jsonPeers: readonly string[] = [
  ...peerNames.filter((name) => name === baseline || !bytesPeers.includes(name)),
  sessionless,
];

/** @throws Error where there is none of this name. */
export async function loadPeer(name: string): Promise<Peer> {
  const load = loaders[name];
  if (load === undefined) throw new Error(`no peer "${name}"`);
  return (await load()).peer;
}
