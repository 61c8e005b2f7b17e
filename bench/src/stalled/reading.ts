// What a client of `bench:stalled` does, in Node and in a page alike.
import { createClient, streams, type WebSocketClass } from "@tautline/client";
import { rich } from "@tautline/core";
import { createChunks, stalledApi } from "./api.ts";
import { NumberedReader } from "./numbered-reader.ts";

export type Way = "down" | "up";

export interface StalledClientCommands {
  /** Many items, all taken, so that what follows finds everything compiled and every buffer made. */
  warm(task: { readonly way: Way }): Promise<void>;
  /** An endless subscription, or upload; resolves when some of it has flowed. */
  begin(task: { readonly way: Way }): Promise<void>;
  /** The loop over the subscription stands still. */
  stop(): void;
  /** So many more items of the subscription, then it is left. Returns how many were taken in all. */
  goOn(task: { readonly more: number }): Promise<number>;
  /** What the upload, which its handler has left, came to. */
  uploaded(): Promise<number>;
  /** How many items were taken, or chunks were asked for. */
  progress(): number;
}

const warmItems = 3_000;
const firstItems = 500;

export function createReading(url: string, WebSocket?: WebSocketClass): StalledClientCommands {
  const client = createClient({
    contract: stalledApi,
    url,
    transformer: rich,
    streams,
    // A client gives up a socket on which nothing comes, and reads on over another: then no reader stops.
    heartbeatMs: Number.POSITIVE_INFINITY,
    ...(WebSocket && { WebSocket }),
  });
  let reader = new NumberedReader();
  let pulled = 0;
  let whole: Promise<number> = Promise.resolve(0);
  const down = (to?: number): Promise<number> => {
    reader = new NumberedReader();
    return reader.read(client.items.subscribe(to === undefined ? {} : { to }), ({ n }) => n);
  };
  const up = (to?: number): Promise<number> => {
    pulled = 0;
    return client.upload.mutate(createChunks(() => pulled++, to));
  };
  return {
    async warm({ way }) {
      if ((await (way === "up" ? up(warmItems) : down(warmItems))) !== warmItems) throw new Error("items are missing");
    },
    async begin({ way }) {
      whole = way === "up" ? up() : down();
      // It is asked for later, and heard of then.
      whole.catch(() => {});
      while (Math.max(pulled, reader.taken) < firstItems) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    stop: () => reader.stop(),
    goOn({ more }) {
      reader.goOn(more);
      return whole;
    },
    uploaded: () => whole,
    progress: () => Math.max(pulled, reader.taken),
  };
}
