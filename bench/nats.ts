// What a NATS broker costs, with a NATS of its own. Its CPU time is read as Linux shows it.
// node --expose-gc --import tsx --conditions=@tautline/source bench/nats.ts [idle keys]
import { readFileSync } from "node:fs";
import { natsBroker } from "@tautline/nats";
import { NatsServer } from "../tests/fixture/nats-server.ts";
import { measureBroker } from "./broker-cost.ts";

const server = await NatsServer.start();
/** Linux counts the CPU time of processes in these. */
const tickUs = 10_000;

function cpuUs(): number {
  const [, afterName = ""] = readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ");
  const fields = afterName.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickUs;
}

await measureBroker(
  {
    name: "NATS",
    createBroker: () => natsBroker({ servers: server.url }),
    memory: () => server.memory(),
    cpuUs: () => Promise.resolve(cpuUs()),
  },
  Number(process.argv[2] ?? 100_000),
);
await server.close();
