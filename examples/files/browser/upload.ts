import { limits } from "../limits.ts";
import { describeBytes } from "./byte-count.ts";
import type { FilesClient } from "./files-client.ts";
import { Sha256 } from "./sha-256.ts";
import type { Outcome, Transfer } from "./transfer.ts";

const chunkBytes = 64 * 1024;

/** Sends a file as fast as the server takes it. It is read once, piece by piece, and hashed meanwhile. */
export async function upload(client: FilesClient, file: File, transfer: Transfer): Promise<Outcome> {
  // The server would say so too, in its schema's words.
  if (file.size > limits.fileBytes) throw new Error(`It has more than ${describeBytes(limits.fileBytes)}`);
  const hash = new Sha256();
  const { sha256 } = await client.files.upload.mutate(
    { name: file.name.slice(0, limits.nameLength), size: file.size, file: chunksOf(file, hash, transfer) },
    { signal: transfer.signal, onProgress: ({ bytes }) => transfer.progress(bytes) },
  );
  return { here: hash.digest(), there: sha256 };
}

/** `file` alone would do; this one can be paused, and knows what has been sent. */
async function* chunksOf(file: File, hash: Sha256, transfer: Transfer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < file.size; start += chunkBytes) {
    await transfer.resumed;
    const chunk = new Uint8Array(await file.slice(start, start + chunkBytes).arrayBuffer());
    hash.update(chunk);
    yield chunk;
  }
}
