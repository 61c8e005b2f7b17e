// What a Redis broker costs, with a Redis of its own.
// node --expose-gc --import tsx --conditions=@tautline/source bench/redis.ts [idle keys]
import { redisBroker } from "@tautline/redis";
import { RedisServer } from "../tests/fixture/redis-server.ts";
import { measureBroker } from "./broker-cost.ts";

const server = await RedisServer.start();

async function read(section: string, name: string): Promise<number> {
  return Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(await server.client.info(section))?.[1]);
}

await measureBroker(
  {
    name: "Redis",
    createBroker: () => redisBroker(server.url),
    memory: () => read("memory", "used_memory"),
    cpuUs: async () => ((await read("cpu", "used_cpu_user")) + (await read("cpu", "used_cpu_sys"))) * 1_000_000,
  },
  Number(process.argv[2] ?? 100_000),
);
await server.close();
