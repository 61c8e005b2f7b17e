// The clients of one peer: `client-process <peer> <port>`.
import { answerCommands, type ClientCommands } from "./command-channel.ts";
import type { Client } from "./peer.ts";
import { loadPeer } from "./peer-registry.ts";
import { findWorkload } from "./workload.ts";

const peer = await loadPeer(process.argv[2] ?? "");
const port = Number(process.argv[3]);
const clients: Client[] = [];

const commands: ClientCommands = {
  async connect({ count }) {
    const target = clients.length + count;
    while (clients.length < target) {
      const some = Math.min(50, target - clients.length);
      const opened = await Promise.all(Array.from({ length: some }, () => peer.connect(port)));
      for (const client of opened) {
        if ((await client.add(clients.length, 1)) !== clients.length + 1) throw new Error("a wrong sum");
        clients.push(client);
      }
    }
  },
  async run({ workload, durationMs }) {
    const { run } = findWorkload(workload);
    if (run === undefined) throw new Error(`"${workload}" is not run`);
    const cpu = process.cpuUsage();
    const sample = await run(clients, durationMs);
    const { user, system } = process.cpuUsage(cpu);
    return { ...sample, cpuUs: user + system };
  },
};

answerCommands(commands);
