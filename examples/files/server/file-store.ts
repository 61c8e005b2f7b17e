import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TRPCError } from "@trpc/server";
import type { StoredFile } from "../api.ts";
import { limits } from "../limits.ts";

/** Files in a temporary folder of their own, which goes when the store is closed. On disk they have random names. */
export class FileStore {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  readonly #files = new Map<string, StoredFile>();
  /** What is there, and what is on its way. */
  #bytes = 0;
  #count = 0;

  private constructor(folder: string, { storeBytes, files }: StoreLimits) {
    this.#folder = folder;
    this.#maxBytes = storeBytes;
    this.#maxFiles = files;
  }

  static async open(bounds: StoreLimits = limits): Promise<FileStore> {
    return new FileStore(await mkdtemp(join(tmpdir(), "tautline-files-")), bounds);
  }

  /** Newest first. */
  get files(): StoredFile[] {
    return [...this.#files.values()].reverse();
  }

  /**
   * Takes a file, as fast as the disk does.
   *
   * @throws TRPCError `PAYLOAD_TOO_LARGE` where there is no room for it, `BAD_REQUEST` where it is not as long as was said; and what
   * its chunks throw. Then nothing of it is left.
   */
  async add(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    this.#reserve(size);
    const id = randomUUID();
    try {
      const sha256 = await write(this.#path(id), size, chunks);
      const stored = { id, name, size, sha256, at: new Date() };
      this.#files.set(id, stored);
      return stored;
    } catch (error) {
      this.#free(size);
      await rm(this.#path(id), { force: true });
      throw error;
    }
  }

  /** @throws TRPCError `NOT_FOUND`. */
  find(id: string): StoredFile {
    const stored = this.#files.get(id);
    if (stored === undefined) throw new TRPCError({ code: "NOT_FOUND", message: "There is no such file any more" });
    return stored;
  }

  /** A file's bytes. It is opened when the first of them are taken. */
  async *read({ id }: StoredFile): AsyncGenerator<Uint8Array, void> {
    yield* createReadStream(this.#path(id)) as AsyncIterable<Uint8Array>;
  }

  /** Whoever is reading it reads it to its end. */
  async remove(id: string): Promise<void> {
    const stored = this.#files.get(id);
    if (stored === undefined) return;
    this.#files.delete(id);
    this.#free(stored.size);
    await rm(this.#path(id), { force: true });
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #reserve(size: number): void {
    if (this.#count === this.#maxFiles || this.#bytes + size > this.#maxBytes)
      throw new TRPCError({ code: "PAYLOAD_TOO_LARGE", message: "The server is full: remove a file first" });
    this.#count++;
    this.#bytes += size;
  }

  #free(size: number): void {
    this.#count--;
    this.#bytes -= size;
  }

  #path(id: string): string {
    return join(this.#folder, id);
  }
}

type StoreLimits = Readonly<Record<"storeBytes" | "files", number>>;

/** Returns the SHA-256 of what was written, in hexadecimal. */
async function write(path: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "wx");
  let left = size;
  try {
    for await (const chunk of chunks) {
      left -= chunk.length;
      if (left < 0) throw otherLength("longer");
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  if (left > 0) throw otherLength("shorter");
  return hash.digest("hex");
}

function otherLength(how: "longer" | "shorter"): TRPCError {
  return new TRPCError({ code: "BAD_REQUEST", message: `The file is ${how} than was said` });
}
