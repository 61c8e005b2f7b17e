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

/** How much of a Blob is read at once, in bytes. */
const blobChunkBytes = 64 * 1024;

/** Reads a value as a stream; undefined where it is none. */
export function readStreamInput(value: object): StreamItems | undefined {
  if (Symbol.asyncIterator in value) {
    const size = "size" in value && typeof value.size === "number" ? value.size : undefined;
    return { items: value as AsyncIterable<unknown>, size };
  }
  if (isBlob(value)) return { items: readBlob(value), size: value.size };
  return isReadable(value) ? { items: readReadable(value), size: undefined } : undefined;
}

async function* readBlob(blob: BlobLike): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < blob.size; start += blobChunkBytes) {
    yield new Uint8Array(await blob.slice(start, start + blobChunkBytes).arrayBuffer());
  }
}

/** Not every browser can iterate one. */
async function* readReadable(readable: ReadableLike<unknown>): AsyncGenerator<unknown> {
  const reader = readable.getReader();
  let done = false;
  try {
    while (true) {
      const next = await reader.read();
      done = next.done;
      if (done) return;
      yield next.value;
    }
  } finally {
    if (!done) await reader.cancel();
  }
}

function isBlob(value: object): value is BlobLike {
  return "arrayBuffer" in value && "slice" in value && "size" in value && "stream" in value;
}

function isReadable(value: object): value is ReadableLike<unknown> {
  return "getReader" in value && typeof value.getReader === "function";
}
