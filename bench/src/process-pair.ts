import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type ClientCommands, CommandChannel, type ServerCommands } from "./command-channel.ts";

const hasTaskset = spawnSync("taskset", ["-p", String(process.pid)]).status === 0;
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** The two processes of one peer: the server on the first core, the clients on the second where `taskset` can see to it. */
export class ProcessPair {
  readonly peer: string;
  readonly server: CommandChannel<ServerCommands>;
  readonly client: CommandChannel<ClientCommands>;
  readonly #children: readonly ChildProcess[];

  /** @param profileFolder where each process leaves its CPU profile when it ends. */
  static async start(peer: string, profileFolder?: string): Promise<ProcessPair> {
    const serverChild = spawnPinned(0, profileFolder, "server-process.js", peer);
    const server = new CommandChannel<ServerCommands>(serverChild);
    const port = await server.ready();
    const clientChild = spawnPinned(1, profileFolder, "client-process.js", peer, String(port));
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
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    }
  }
}

function spawnPinned(core: number, profileFolder: string | undefined, script: string, ...args: string[]): ChildProcess {
  const profile = profileFolder === undefined ? [] : profileArgs(profileFolder, script);
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = [process.execPath, "--expose-gc", ...profile, path, ...args];
  const [file = "", ...rest] = hasTaskset ? ["taskset", "-c", String(core), ...command] : command;
  const child = spawn(file, rest, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // As after a plain install, whatever lies around.
    env: { ...process.env, NODE_ENV: "production", WS_NO_BUFFER_UTIL: "1", WS_NO_UTF_8_VALIDATE: "1" },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

function profileArgs(folder: string, script: string): string[] {
  const name = `${script.replace("-process.js", "")}.cpuprofile`;
  return ["--cpu-prof", "--cpu-prof-interval", "200", `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}`];
}
