/** As much of the hosts' Blob, which a File is too, as is read here. */
interface BlobLike {
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** As much of the hosts' ReadableStream as is read here. */
interface ReadableLike<Item> {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Item | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

/** What can be handed over as a stream: an async iterable, a ReadableStream; a Blob or a File where its items are bytes. */
export type StreamInput<Item> = AsyncIterable<Item> | ReadableLike<Item> | (Uint8Array extends Item ? BlobLike : never);

/** Where a stream's items come from, and how many bytes they are where that is known. */
export interface StreamItems {
  readonly items: AsyncIterable<unknown>;
  readonly size: number | undefined;
}

/** How long the items are that the bytes of a Blob, or of a ReadableStream, are cut into. */
const pieceBytes = 64 * 1024;
/** How much of a Blob is read at once, in bytes: each time costs a browser about as much as a piece of this size. */
const blobReadBytes = 1024 * 1024;

/** Reads a value as a stream; undefined where it is none. */
export function readStreamInput(value: object): StreamItems | undefined {
  // What can be iterated by itself too is none the less one that can be cancelled while it is waited for.
  if (isReadable(value)) return { items: new ReadableItems(value), size: undefined };
  if (isBlob(value)) return { items: readBlob(value), size: value.size };
  if (!(Symbol.asyncIterator in value)) return undefined;
  const items = value as AsyncIterable<unknown>;
  return { items: isDestroyable(items) ? new DestroyableItems(items) : items, size: sizeOf(items) };
}

async function* readBlob(blob: BlobLike): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < blob.size; start += blobReadBytes) {
    const bytes = new Uint8Array(await blob.slice(start, start + blobReadBytes).arrayBuffer());
    for (let end = 0; end < bytes.length; end += pieceBytes) yield bytes.subarray(end, end + pieceBytes);
  }
}

/** The chunks of a ReadableStream. Those of bytes are cut: a file's, or a response's, may be of any length, and mean nothing. */
class ReadableItems implements AsyncIterable<unknown>, AsyncIterator<unknown> {
  readonly #readable: ReadableLike<unknown>;
  #reader: ReturnType<ReadableLike<unknown>["getReader"]> | undefined;
  #rest: Uint8Array | undefined;

  constructor(readable: ReadableLike<unknown>) {
    this.#readable = readable;
  }

  [Symbol.asyncIterator](): this {
    this.#reader ??= this.#readable.getReader();
    return this;
  }

  async next(): Promise<IteratorResult<unknown>> {
    const chunk = this.#rest ?? (await this.#read());
    if (!(chunk instanceof Uint8Array)) return chunk;
    this.#rest = chunk.length > pieceBytes ? chunk.subarray(pieceBytes) : undefined;
    return { done: false, value: chunk.subarray(0, pieceBytes) };
  }

  async return(): Promise<IteratorResult<unknown>> {
    this.#rest = undefined;
    await this.#reader?.cancel();
    return { done: true, value: undefined };
  }

  async #read(): Promise<Uint8Array | IteratorResult<unknown>> {
    const { done, value } = (await this.#reader?.read()) ?? { done: true };
    if (done) return { done, value: undefined };
    return value instanceof Uint8Array ? value : { done, value };
  }
}

/** A Readable of Node's. Its own iterator lets it be where it is ended before it has begun: a file would stay open. */
interface Destroyable extends AsyncIterable<unknown> {
  destroy(): unknown;
}

class DestroyableItems implements AsyncIterable<unknown> {
  readonly #source: Destroyable;

  constructor(source: Destroyable) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    const source = this.#source;
    const iterator = source[Symbol.asyncIterator]();
    return {
      next: () => iterator.next(),
      async return() {
        source.destroy();
        await iterator.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}

function sizeOf(value: object): number | undefined {
  const size = "size" in value ? value.size : undefined;
  return Number.isSafeInteger(size) && (size as number) >= 0 ? (size as number) : undefined;
}

function isBlob(value: object): value is BlobLike {
  return "arrayBuffer" in value && "slice" in value && "size" in value && "stream" in value;
}

function isReadable(value: object): value is ReadableLike<unknown> {
  return "getReader" in value && typeof value.getReader === "function";
}

function isDestroyable(value: AsyncIterable<unknown>): value is Destroyable {
  return "destroy" in value && typeof value.destroy === "function";
}
