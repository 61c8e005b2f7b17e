import { type ContractClient, createClient } from "@tautline/client";
import { rich } from "@tautline/core";
import type { Hold } from "@tautline/example-page/browser";
import { api, type Person } from "../api.ts";

/** The chat's server, as this page sees it: one connection, over which everything goes. */
export type ChatClient = ContractClient<typeof api>;

export function createChatClient(me: Person, hold: Hold): ChatClient {
  const url = async (): Promise<string> => {
    await hold.released;
    return "/rpc";
  };
  return createClient({ contract: api, url, transformer: rich, connectionParams: () => me });
}
