// The server of `bench:stalled`: endless items down, and a handler that takes chunks until it is told to stop.
import { rich } from "@tautline/core";
import { implement, serve } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { answerCommands } from "../command-channel.ts";
import { chunkNumber, itemBytes, stalledApi } from "./api.ts";
import { type MemoryReport, measureMemory } from "./memory-report.ts";
import { NumberedReader } from "./numbered-reader.ts";

export interface StalledServerCommands {
  memory(): Promise<MemoryReport>;
  /** How many items the newest subscription has been asked for. */
  yielded(): number;
  /** How many subscriptions and uploads have been started. */
  started(): number;
  /** What has become of sessions, in order. */
  sessions(): readonly string[];
  /** The newest upload's handler stands still. */
  stop(): void;
  /** So many chunks more, then it answers. */
  goOn(task: { readonly more: number }): void;
}

let yielded = 0;
let started = 0;
let reader = new NumberedReader();
const sessions: string[] = [];

const { procedures, router } = implement(stalledApi, initTRPC.create({ transformer: rich }));
const server = await serve({
  router: router({
    items: procedures.items.subscription(async function* ({ input: { to = Number.POSITIVE_INFINITY } }) {
      started++;
      for (yielded = 0; yielded < to; ) yield { n: yielded++, text: "x".repeat(itemBytes) };
    }),
    upload: procedures.upload.mutation(({ input }) => {
      started++;
      reader = new NumberedReader();
      return reader.read(input, chunkNumber);
    }),
  }),
  host: "127.0.0.1",
  port: 0,
  // The page is no page of any server's.
  allowedOrigins: "*",
  onSession: ({ type }) => sessions.push(type),
});
const commands: StalledServerCommands = {
  memory: measureMemory,
  yielded: () => yielded,
  started: () => started,
  sessions: () => sessions,
  stop: () => reader.stop(),
  goOn: ({ more }) => reader.goOn(more),
};
answerCommands(commands, server.port);
