// The server of one peer: `server-process <peer>`.
import { setTimeout as sleep } from "node:timers/promises";
import { answerCommands, type ServerCommands } from "./command-channel.ts";
import { loadPeer } from "./peer-registry.ts";

const commands: ServerCommands = {
  cpuUs() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  async rssBytes() {
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await sleep(50);
    }
    return process.memoryUsage.rss();
  },
};

const peer = await loadPeer(process.argv[2] ?? "");
answerCommands(commands, await peer.startServer());
