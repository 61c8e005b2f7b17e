import type { StoredFile } from "../api.ts";
import { BlobBuilder } from "./blob-builder.ts";
import type { FilesClient } from "./files-client.ts";
import { Sha256 } from "./sha-256.ts";
import type { Outcome, Transfer } from "./transfer.ts";

/** Fetches a file as fast as this page takes it: while nobody reads, the server stops sending, and then reading. */
export async function download(client: FilesClient, stored: StoredFile, transfer: Transfer): Promise<Outcome> {
  const hash = new Sha256();
  const blob = new BlobBuilder();
  const { file } = await client.files.download.query(
    { id: stored.id },
    { signal: transfer.signal, onProgress: ({ bytes }) => transfer.progress(bytes) },
  );
  for await (const chunk of file) {
    hash.update(chunk);
    blob.add(chunk);
    await transfer.resumed;
  }
  return { here: hash.digest(), there: stored.sha256, blob: blob.build() };
}
