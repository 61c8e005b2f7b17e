import { createClient } from "@tautline/client";
import { expose } from "@tautline/client/expose";
import { api, clientApi } from "./api.ts";

const [answer = "yes", url = "ws://localhost:3000"] = process.argv.slice(2);
const client = createClient({
  contract: api,
  url,
  expose: expose(clientApi, {
    confirm: ({ input }) => {
      console.log(`${input.question} ${answer}`);
      return answer === "yes";
    },
  }),
});

const { deleted } = await client.clear.mutate();
console.log(`${deleted} files were deleted`);
client.connection.close();
