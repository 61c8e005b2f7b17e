/** A socket that takes a frame as it goes over the wire. */
export interface WireSocket {
  write(wire: Uint8Array): void;
}

/** So many are written together: as many as the caches hold with all that they touch. */
const maxSockets = 64;
const settled: Promise<void> = Promise.resolve();

/**
 * One frame for many sockets: written to them, in this turn, when each of a number has been accounted for. A system call leaves little of
 * what was in the processor's caches; between such calls the accounting for a socket took three times as long (bench/README.md).
 */
export class WriteBatch {
  /** Those that wait come first; the others are undefined. */
  #sockets: (WireSocket | undefined)[] = [];
  /** For what is added while those that wait are written to. */
  #spare: (WireSocket | undefined)[] = [];
  #count = 0;
  #wire: Uint8Array | undefined = undefined;

  add(socket: WireSocket, wire: Uint8Array): void {
    if (wire !== this.#wire) this.#begin(wire);
    this.#sockets[this.#count++] = socket;
    if (this.#count === maxSockets) this.flush();
  }

  /** Writes what waits; to be called before anything else is written to one of the sockets. */
  flush(): void {
    if (this.#count > 0) this.#writeAll();
  }

  #begin(wire: Uint8Array): void {
    this.flush();
    this.#wire = wire;
    void settled.then(this.#onTurn);
  }

  readonly #onTurn = (): void => this.flush();

  #writeAll(): void {
    const count = this.#count;
    const wire = this.#wire;
    const sockets = this.#sockets;
    this.#sockets = this.#spare;
    this.#spare = sockets;
    this.#count = 0;
    this.#wire = undefined;
    for (let index = 0; index < count; index++) {
      const socket = sockets[index];
      sockets[index] = undefined;
      if (wire !== undefined) socket?.write(wire);
    }
  }
}
