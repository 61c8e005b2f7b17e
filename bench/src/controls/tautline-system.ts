import { createClient } from "@tautline/client";
import { serve } from "@tautline/server";
import { createLoggedRouter, type LoggedRouter } from "./logged-router.ts";
import type { System } from "./system.ts";

/** A session that can be resumed loses nothing. Only what goes out with a hello that is cut has no session yet. */
export const tautlineSystem: System = {
  name: "tautline",

  async serve(history) {
    const server = await serve({
      router: createLoggedRouter(history),
      host: "127.0.0.1",
      createContext: ({ info }) => ({ client: info.connectionParams?.["client"] ?? "nobody" }),
      onError: () => {},
    });
    return { port: server.port, close: () => server.close({ drainMs: 0 }) };
  },

  connect({ port, name, onExcuse }) {
    const client = createClient<LoggedRouter>({
      url: `ws://127.0.0.1:${port}`,
      connectionParams: { client: name },
      backoff: { baseMs: 1, maxMs: 4 },
    });
    let welcomed = false;
    client.connection.subscribe(({ status }) => {
      welcomed ||= status === "online";
      if (status === "reconnecting" && !welcomed) onExcuse();
    });
    return {
      request: (type, input) => (type === "query" ? client.ask.query(input) : client.act.mutate(input)),
      async read(input, { onItem, onGap }) {
        const items = client.count.subscribe(input);
        for await (const { data } of items) {
          if (items.gap) onGap();
          onItem(data);
        }
      },
      close: () => client.connection.close(),
    };
  },
};
