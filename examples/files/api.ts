import { bytes, contract, fields, mutation, query, stream } from "@tautline/core";
import { z } from "zod";
import { limits } from "./limits.ts";

/** As the file was called where it came from. Shown, and never a path. */
const FileName = z.string().min(1).max(limits.nameLength);
const FileSize = z.number().int().min(0).max(limits.fileBytes);
const FileId = z.object({ id: z.string().max(64) });

/** A file that the server has. */
export const StoredFile = z.object({
  id: z.string(),
  name: FileName,
  /** In bytes. */
  size: FileSize,
  /** Of what the server has read, in hexadecimal. */
  sha256: z.string(),
  at: z.date(),
});
export type StoredFile = z.infer<typeof StoredFile>;

export const api = contract({
  files: {
    list: query({ output: z.array(StoredFile) }),
    upload: mutation({
      input: fields({ name: FileName, size: FileSize, file: stream(bytes()) }),
      output: StoredFile,
    }),
    download: query({
      input: FileId,
      output: fields({ name: FileName, size: FileSize, file: stream(bytes()) }),
    }),
    remove: mutation({ input: FileId, idempotent: true }),
  },
  demo: {
    /** Destroys the socket that the call came over. */
    cut: mutation({}),
  },
});
