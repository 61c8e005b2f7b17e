/** How much waits in the page's own memory, in bytes. */
const pieceBytes = 4 * 1024 * 1024;

/** A Blob of many chunks. Browsers keep Blobs outside of the page's memory, and large ones on disk. */
export class BlobBuilder {
  readonly #pieces: Blob[] = [];
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #bytes = 0;

  add(chunk: Uint8Array<ArrayBuffer>): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= pieceBytes) this.#hand();
  }

  build(): Blob {
    this.#hand();
    return new Blob(this.#pieces);
  }

  #hand(): void {
    this.#pieces.push(new Blob(this.#chunks));
    this.#chunks = [];
    this.#bytes = 0;
  }
}
