import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";

export interface RedisProcess {
  readonly url: string;
  close(): Promise<void>;
}

/** A Redis of its own, on a free port of this machine, that keeps nothing on disk. @throws Error where there is no such program. */
export async function startRedis(): Promise<RedisProcess> {
  const port = await freePort();
  const where = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", tmpdir(), "--save", ""];
  const redis = spawn("redis-server", where, { stdio: ["ignore", "pipe", "inherit"] });
  const onExit = (): boolean => redis.kill("SIGKILL");
  process.once("exit", onExit);
  await listening(redis);
  return {
    url: `redis://127.0.0.1:${port}`,
    close: async () => {
      process.off("exit", onExit);
      const ended = once(redis, "exit");
      redis.kill();
      await ended;
    },
  };
}

async function listening(redis: ChildProcess): Promise<void> {
  const failed = once(redis, "error").then(() => {
    throw new Error(
      "There is no redis-server on this machine. Install Redis 6.2 or newer (apt install redis-server), then start again.",
    );
  });
  await Promise.race([isReady(redis), failed]);
}

async function isReady({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) return;
  for await (const line of createInterface(stdout)) if (line.includes("Ready to accept connections")) break;
  stdout.resume();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
