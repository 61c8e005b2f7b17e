import { type ContractClient, createClient } from "@tautline/client";
import { rich } from "@tautline/core";
import { api, type Person } from "../api.ts";

/** The chat's server, as this page sees it: one connection, over which everything goes. */
export type ChatClient = ContractClient<typeof api>;

export function createChatClient(me: Person): ChatClient {
  const url = new URL("/rpc", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return createClient({ contract: api, url: url.href, transformer: rich, connectionParams: () => me });
}
