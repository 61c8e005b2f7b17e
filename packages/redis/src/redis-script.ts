import { createHash } from "node:crypto";

/** A Lua script, which Redis knows by its digest once it has seen it. */
export class RedisScript {
  readonly text: string;
  readonly digest: string;

  constructor(text: string) {
    this.text = text;
    this.digest = createHash("sha1").update(text).digest("hex");
  }
}
