import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const examples = new URL("../../examples/", import.meta.url);

interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A program of an example, run from the packages' sources, known by what it prints. */
export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #lines: string[] = [];
  readonly #onChange = new Set<() => void>();
  #errors = "";
  #ended = false;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
  }

  /** @param file below `examples/`: its folder is where the program runs. */
  static run(file: string, { args = [], env = {} }: RunOptions = {}): Program {
    const url = new URL(file, examples);
    const [folder = ""] = file.split("/");
    const child = spawn(
      process.execPath,
      ["--import", "tsx", "--conditions=@tautline/source", fileURLToPath(url), ...args],
      {
        cwd: fileURLToPath(new URL(folder, examples)),
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const program = new Program(file, child);
    program.#listen(child.stdout, child.stderr);
    return program;
  }

  /** All that it has printed. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** What it has written to its error output. */
  get errors(): string {
    return this.#errors;
  }

  /** The first line, printed already or to come, that matches. Rejects when the program ends without it. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (let next = 0; ; next++) {
      while (next >= this.#lines.length && !this.#ended) await this.#change();
      const line = this.#lines[next];
      if (line === undefined) throw new Error(`${this.#name} ended without a line like ${pattern}\n${this.#errors}`);
      const match = pattern.exec(line);
      if (match) return match;
    }
  }

  /** Its exit code, when it has ended by itself. */
  async ended(): Promise<number | null> {
    while (!this.#ended) await this.#change();
    return this.#child.exitCode;
  }

  /** Asks it to end, as Ctrl-C or a process manager does, and gives its exit code: null where the signal ended it. */
  async stop(): Promise<number | null> {
    if (!this.#ended) this.#child.kill("SIGTERM");
    return this.ended();
  }

  #listen(stdout: NodeJS.ReadableStream, stderr: NodeJS.ReadableStream): void {
    createInterface(stdout).on("line", (line) => {
      this.#lines.push(line);
      this.#announce();
    });
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    this.#child.once("close", () => {
      this.#ended = true;
      this.#announce();
    });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange.add(resolve);
    });
  }

  #announce(): void {
    for (const resolve of this.#onChange) resolve();
    this.#onChange.clear();
  }
}
