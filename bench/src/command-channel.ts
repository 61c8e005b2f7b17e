// How the comparison tells its processes what to do: one request at a time over Node's IPC.
import type { ChildProcess } from "node:child_process";

/** What a server process does on request. */
export interface ServerCommands {
  /** CPU time used so far, in µs. */
  cpuUs(): number;
  /** Resident memory after garbage collection. */
  rssBytes(): Promise<number>;
}

/** What a client process does on request. */
export interface ClientCommands {
  /** Opens so many connections more, and makes a call on each. */
  connect(task: { readonly count: number }): Promise<void>;
  /** Runs a workload on the connections that are open. */
  run(task: { readonly workload: string; readonly durationMs: number }): Promise<Sample>;
}

/** One run of a workload, as the client saw it. */
export interface Sample {
  /** Calls, or items. */
  readonly count: number;
  readonly durationMs: number;
  /** The client's. */
  readonly cpuUs: number;
  /** How long each call took, where the workload asks: sorted. */
  readonly latenciesUs?: readonly number[];
}

interface Request {
  readonly name: string;
  readonly task: unknown;
}

type Reply = { readonly ready: unknown } | { readonly value: unknown } | { readonly error: string };

/** Answers the comparison's requests in this process, and tells it that all is ready. */
export function answerCommands(commands: object, ready?: unknown): void {
  const reply = (message: Reply): unknown => process.send?.(message);
  const answer = async ({ name, task }: Request): Promise<void> => {
    try {
      const command = (commands as Record<string, (task: unknown) => unknown>)[name];
      reply({ value: await command?.(task) });
    } catch (error) {
      reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
  process.on("message", (request) => void answer(request as Request));
  process.on("disconnect", () => process.exit());
  reply({ ready });
}

/** The comparison's end. */
export class CommandChannel<Commands> {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** What the process says when it is ready. */
  ready(): Promise<unknown> {
    return this.#reply(30_000);
  }

  /** @throws Error where the command fails, the process ends, or there is no answer within a minute. */
  async call<Name extends keyof Commands & string>(
    name: Name,
    ...[task]: Parameters<Extract<Commands[Name], (...args: never) => unknown>>
  ): Promise<Awaited<ReturnType<Extract<Commands[Name], (...args: never) => unknown>>>> {
    const reply = this.#reply(60_000);
    this.#child.send({ name, task } satisfies Request);
    // Both ends are built from this file.
    return (await reply) as never;
  }

  #reply(timeoutMs: number): Promise<unknown> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        child.off("message", onMessage).off("exit", onExit);
        act();
      };
      const onMessage = (reply: unknown): void => settle(() => readReply(reply as Reply, resolve, reject));
      const onExit = (): void => settle(() => reject(new Error("the process has ended")));
      const timer = setTimeout(() => settle(() => reject(new Error("no answer in time"))), timeoutMs);
      child.on("message", onMessage).on("exit", onExit);
    });
  }
}

function readReply(reply: Reply, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  if ("error" in reply) reject(new Error(reply.error));
  else resolve("ready" in reply ? reply.ready : reply.value);
}
