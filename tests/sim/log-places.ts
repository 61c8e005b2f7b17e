import type { MemoryBackend } from "@tautline/server/testing";

/** More than the events of a schedule: each epoch has so many positions of its own. Even, so that every second event is. */
const epochSize = 1_000_000;

interface LogPosition {
  readonly epoch: string;
  readonly offset: number;
}

/** What ids stand for: positions, which grow over all epochs of the broker that there have been. */
export class LogPlaces {
  readonly #backend: MemoryBackend;
  readonly #epochs: string[] = [];

  constructor(backend: MemoryBackend) {
    this.#backend = backend;
    this.onFlushed();
  }

  /** There is a new epoch. */
  onFlushed(): void {
    this.#epochs.push(this.#backend.end.epoch);
  }

  /** Of the newest event, or of the loss that the epoch has begun with. */
  get end(): number {
    return this.#at(this.#epochs.length - 1, this.#backend.end.offset);
  }

  /** Of the next event. */
  get next(): number {
    return this.end + 1;
  }

  /** Of the loss, if all were lost now. */
  get nextLoss(): number {
    return this.end + epochSize;
  }

  /** The positions that an id stands for: one for each key. */
  of(id: string): readonly number[] {
    let epoch = "";
    return logPartsOf(id).map((part) => {
      const [named = "", digits = ""] = part.split(".");
      epoch = named === "" ? epoch : named;
      return this.#at(this.#epochs.indexOf(epoch), Number.parseInt(digits, 10));
    });
  }

  logOf(position: number): LogPosition {
    return { epoch: this.#epochs[Math.floor(position / epochSize)] ?? "", offset: position % epochSize };
  }

  /** The id of now, for the same keys as another id. */
  idLike(id: string): string {
    const { epoch, offset } = this.#backend.end;
    const keys = logPartsOf(id).length;
    const parts = Array.from({ length: keys }, (_, index) => `${index === 0 ? epoch : ""}.${offset}`);
    return [...(keys > 1 ? id.split(";").slice(0, 1) : []), ...parts].join(";");
  }

  #at(epoch: number, offset: number): number {
    return epoch * epochSize + offset;
  }
}

/** What there is of each key in an id: before those of several there is what says which. */
function logPartsOf(id: string): readonly string[] {
  const parts = id.split(";");
  return parts.length === 1 ? parts : parts.slice(1);
}
