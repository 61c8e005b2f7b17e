import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CommandChannel } from "./command-channel.ts";

const hasTaskset = spawnSync("taskset", ["-p", String(process.pid)]).status === 0;
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * What Node is given where large frames are measured: an application's heap is some 20 MB or more. In one of less than that V8 now and then
 * decides, by a megabyte of loaded code, to collect all memory for the buffers of large frames, not the young alone; that doubles what
 * bytes cost, here for one peer and there for another.
 */
export const applicationHeap: readonly string[] = ["--initial-heap-size=512"];

/** A process of Node that answers commands, on a core of its own where `taskset` can see to it. */
export class PinnedProcess<Commands> {
  readonly channel: CommandChannel<Commands>;
  /** What it has said when it was ready. */
  readonly ready: unknown;
  readonly #child: ChildProcess;

  /** @param core undefined for any. @param script in the folder of the build; @param args what it is given. */
  static start<Commands>(
    core: number | undefined,
    script: string,
    ...args: string[]
  ): Promise<PinnedProcess<Commands>> {
    return PinnedProcess.startWith([], core, script, ...args);
  }

  /** @param nodeArgs what Node itself is given. */
  static async startWith<Commands>(
    nodeArgs: readonly string[],
    core: number | undefined,
    script: string,
    ...args: string[]
  ): Promise<PinnedProcess<Commands>> {
    const child = spawnPinned(core, nodeArgs, script, args);
    const channel = new CommandChannel<Commands>(child);
    return new PinnedProcess(child, channel, await channel.ready());
  }

  constructor(child: ChildProcess, channel: CommandChannel<Commands>, ready: unknown) {
    this.#child = child;
    this.channel = channel;
    this.ready = ready;
  }

  stop(): Promise<void> {
    return stopProcess(this.#child);
  }
}

/** @param nodeArgs what Node itself is given. */
export function spawnPinned(
  core: number | undefined,
  nodeArgs: readonly string[],
  script: string,
  args: readonly string[],
): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const command = [process.execPath, "--expose-gc", ...nodeArgs, path, ...args];
  const [file = "", ...rest] = hasTaskset && core !== undefined ? ["taskset", "-c", String(core), ...command] : command;
  const child = spawn(file, rest, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // As after a plain install, whatever lies around.
    env: { ...process.env, NODE_ENV: "production", WS_NO_BUFFER_UTIL: "1", WS_NO_UTF_8_VALIDATE: "1" },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** It ends when nobody commands it any more. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.disconnect();
  await ended;
}
