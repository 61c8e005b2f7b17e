import { rich } from "@tautline/core";
import { type CreateContextOptions, implement } from "@tautline/server";
import { initTRPC } from "@trpc/server";
import { api } from "../api.ts";
import type { FileStore } from "./file-store.ts";

interface Context {
  /** Destroys the socket of the connection, without a word. */
  readonly cut: () => void;
}

export function createContext({ req }: CreateContextOptions): Context {
  return { cut: () => req.socket.destroy() };
}

export function createRouter(store: FileStore) {
  const t = initTRPC.context<Context>().create({ transformer: rich });
  const { procedures, router } = implement(api, t);
  const { files } = procedures;
  return router({
    files: {
      list: files.list.query(() => store.files),
      upload: files.upload.mutation(({ input: { name, size, file } }) => store.add(name, size, file)),
      download: files.download.query(({ input }) => {
        const stored = store.find(input.id);
        return { name: stored.name, size: stored.size, file: store.read(stored) };
      }),
      remove: files.remove.mutation(({ input }) => store.remove(input.id)),
    },
    demo: {
      cut: procedures.demo.cut.mutation(({ ctx }) => ctx.cut()),
    },
  });
}
