import type { RequestListener } from "node:http";
import { createSite } from "@tautline/example-page/server";

/** The chat's page. */
export function createChatSite(): Promise<RequestListener> {
  return createSite(new URL("..", import.meta.url), ["api.ts", "limits.ts", "browser", "public"]);
}
