import { type ContractClient, createClient, streams } from "@tautline/client";
import { rich } from "@tautline/core";
import type { Hold } from "@tautline/example-page/browser";
import { api } from "../api.ts";

/** The server, as this page sees it: one connection, over which everything goes. */
export type FilesClient = ContractClient<typeof api>;

export function createFilesClient(hold: Hold): FilesClient {
  const url = async (): Promise<string> => {
    await hold.released;
    return "/rpc";
  };
  return createClient({ contract: api, url, transformer: rich, streams });
}
