import type { ChildProcess } from "node:child_process";
import { type ClientCommands, CommandChannel, type ServerCommands } from "./command-channel.ts";
import { spawnPinned, stopProcess } from "./pinned-process.ts";

/** The two processes of one peer: the server on the first core, the clients on the second where `taskset` can see to it. */
export class ProcessPair {
  readonly peer: string;
  readonly server: CommandChannel<ServerCommands>;
  readonly client: CommandChannel<ClientCommands>;
  readonly #children: readonly ChildProcess[];

  /**
   * @param nodeArgs for both processes.
   * @param profileFolder where each process leaves its CPU profile when it ends.
   */
  static async start(peer: string, nodeArgs: readonly string[] = [], profileFolder?: string): Promise<ProcessPair> {
    const args = (name: string): string[] => [...nodeArgs, ...profileArgs(profileFolder, name)];
    const serverChild = spawnPinned(0, args("server"), "server-process.js", [peer]);
    const server = new CommandChannel<ServerCommands>(serverChild);
    const port = await server.ready();
    const clientChild = spawnPinned(1, args("client"), "client-process.js", [peer, String(port)]);
    const client = new CommandChannel<ClientCommands>(clientChild);
    await client.ready();
    return new ProcessPair(peer, server, client, [serverChild, clientChild]);
  }

  constructor(
    peer: string,
    server: CommandChannel<ServerCommands>,
    client: CommandChannel<ClientCommands>,
    children: readonly ChildProcess[],
  ) {
    this.peer = peer;
    this.server = server;
    this.client = client;
    this.#children = children;
  }

  async stop(): Promise<void> {
    for (const child of this.#children) await stopProcess(child);
  }
}

function profileArgs(folder: string | undefined, name: string): string[] {
  if (folder === undefined) return [];
  const file = `--cpu-prof-name=${name}.cpuprofile`;
  return ["--cpu-prof", "--cpu-prof-interval", "200", `--cpu-prof-dir=${folder}`, file];
}
