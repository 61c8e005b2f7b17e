import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

export interface NodeProgram {
  readonly path: string;
  readonly args: readonly string[];
  /** Of Node itself. */
  readonly execArgv: readonly string[];
}

/** A node: a program that tells its parent the port at which it listens, and that can be killed and started again. */
export class NodeProcess {
  readonly #program: NodeProgram;
  #child: ChildProcess | undefined = undefined;
  #port: number | undefined = undefined;

  constructor(program: NodeProgram) {
    this.#program = program;
  }

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    return this.#port;
  }

  /** Resolves when it listens, and gives what resolves when it has ended. @param more arguments of this life. */
  async start(...more: readonly string[]): Promise<{ readonly ended: Promise<void> }> {
    const { path, args, execArgv } = this.#program;
    const child = fork(path, [...args, ...more], { execArgv: [...execArgv] });
    const ended = once(child, "exit").then(() => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#port = undefined;
    });
    this.#child = child;
    const port = await Promise.race([firstMessage(child), ended]);
    if (typeof port !== "number") throw new Error(`${path} ended before it listened`);
    if (this.#child === child) this.#port = port;
    return { ended };
  }

  /** @param signal SIGKILL, the default, ends it without a word, as a crash does. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#port = undefined;
    if (child === undefined) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }
}

function firstMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once("message", resolve));
}
