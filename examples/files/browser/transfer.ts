import { TautlineError } from "@tautline/core";

export type Direction = "up" | "down";

/** `running` and `paused` are on their way; in the others it is over. */
export type TransferState = "running" | "paused" | "done" | "cancelled" | "failed";

/** What came of it. */
export interface Outcome {
  /** The SHA-256 of what has left this page, or has come here. */
  readonly here: string;
  /** That of what the server has. */
  readonly there: string;
  /** What has come here. */
  readonly blob?: Blob;
}

/** A file on its way. Whoever moves it asks `resumed` before each piece. */
export class Transfer {
  readonly direction: Direction;
  readonly name: string;
  readonly size: number;
  onChange: () => void = () => {};
  readonly #controller = new AbortController();
  #state: TransferState = "running";
  #bytes = 0;
  #outcome: Outcome | undefined;
  #problem = "";
  #resumed: Promise<void> | undefined;
  #release: () => void = () => {};

  constructor(direction: Direction, name: string, size: number) {
    this.direction = direction;
    this.name = name;
    this.size = size;
  }

  get state(): TransferState {
    return this.#state;
  }

  /** What the end that receives has taken. */
  get bytes(): number {
    return this.#bytes;
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  /** Why it failed, in words. */
  get problem(): string {
    return this.#problem;
  }

  /** Aborted when it is cancelled. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves when it may go on; undefined while it may. */
  get resumed(): Promise<void> | undefined {
    return this.#resumed;
  }

  /** Runs it to its end. Never rejects. */
  async run(move: () => Promise<Outcome>): Promise<void> {
    try {
      this.#outcome = await move();
      this.#bytes = this.size;
      this.#end("done");
    } catch (error) {
      this.#problem = TautlineError.from(error).message;
      this.#end(this.signal.aborted ? "cancelled" : "failed");
    }
  }

  progress(bytes: number): void {
    this.#bytes = bytes;
    this.onChange();
  }

  pause(): void {
    if (this.#state !== "running") return;
    this.#resumed = new Promise((resolve) => {
      this.#release = resolve;
    });
    this.#enter("paused");
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#letGo();
    this.#enter("running");
  }

  cancel(): void {
    this.#controller.abort();
    this.#letGo();
  }

  #end(state: TransferState): void {
    this.#letGo();
    this.#enter(state);
  }

  #letGo(): void {
    this.#resumed = undefined;
    this.#release();
  }

  #enter(state: TransferState): void {
    this.#state = state;
    this.onChange();
  }
}
