/** Three nodes behind a balancer, and a Redis; a node that dies is started again. */
import { fileURLToPath } from "node:url";
import { createChatSite } from "@tautline/example-chat/server";
import { startBalancer } from "./balancer.ts";
import { NodeProcess } from "./node-process.ts";
import { startRedis } from "./redis-process.ts";

const host = process.env["HOST"] ?? "localhost";
const port = Number(process.env["PORT"] ?? 4848);
/** How long a node stays dead. */
const deadMs = 2_000;

// Built once, before three nodes find that it is not.
await createChatSite();
const redis = await startRedis().catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  return process.exit(1);
});

const names = ["node 1", "node 2", "node 3"];
const nodes = names.map(
  (name) =>
    new NodeProcess({
      path: fileURLToPath(new URL("node.ts", import.meta.url)),
      args: [redis.url, name],
      execArgv: ["--import", "tsx", "--conditions=@tautline/source"],
    }),
);
let stopping = false;
await Promise.all(nodes.map(start));
const balancer = await startBalancer({ host, port, targets: () => nodes.flatMap((node) => node.port ?? []) });
console.log(`The chat is open at http://${host}:${balancer.port}`);

process.once("SIGINT", () => void stop());
process.once("SIGTERM", () => void stop());

async function start(node: NodeProcess, index: number): Promise<void> {
  const { ended } = await node.start();
  void ended.then(() => onEnded(node, index));
}

function onEnded(node: NodeProcess, index: number): void {
  if (stopping) return;
  console.log(`${names[index]} has died, and is started again in ${deadMs / 1_000} s`);
  setTimeout(() => startAgain(node, index), deadMs);
}

function startAgain(node: NodeProcess, index: number): void {
  if (!stopping) start(node, index).catch(() => onEnded(node, index));
}

async function stop(): Promise<void> {
  stopping = true;
  await Promise.all(nodes.map((node) => node.kill("SIGTERM")));
  await balancer.close();
  await redis.close();
}
