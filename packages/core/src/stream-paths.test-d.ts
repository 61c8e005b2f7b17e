import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { bytes } from "./bytes.ts";
import { type Contract, contract, mutation, query, subscription } from "./contract.ts";
import { fields } from "./fields.ts";
import type { JsonUnsafePaths } from "./json-safe.ts";
import { stream } from "./stream.ts";
import type { StreamPaths } from "./stream-paths.ts";

const api = contract({
  plain: query({ input: z.object({ id: z.string() }), output: z.array(z.string()) }),
  nothing: mutation({}),
  bytes: query({ output: bytes() }),
  fields: query({ output: fields({ id: z.string() }) }),
  files: {
    upload: mutation({ input: fields({ name: z.string(), file: stream(bytes()) }) }),
    download: query({ output: stream(bytes()) }),
    deep: query({ output: fields({ inner: fields({ lines: stream(z.string()) }) }) }),
    items: subscription({ output: fields({ page: z.number(), lines: stream(z.string()) }) }),
  },
});

describe("StreamPaths", () => {
  test("names the procedures that take or give streams", () => {
    type Paths = "files.upload" | "files.download" | "files.deep" | "files.items";
    expectTypeOf<StreamPaths<typeof api>>().toEqualTypeOf<Paths>();
  });

  test("names none where there are none, and where names are not known", () => {
    const plain = contract({ ping: query({ input: z.any(), output: z.unknown() }) });
    expectTypeOf<StreamPaths<typeof plain>>().toEqualTypeOf<never>();
    expectTypeOf<StreamPaths<Contract>>().toEqualTypeOf<never>();
  });
});

describe("JsonUnsafePaths", () => {
  test("names those with streams or bytes: JSON keeps neither", () => {
    type Paths = StreamPaths<typeof api> | "bytes";
    expectTypeOf<JsonUnsafePaths<typeof api>>().toEqualTypeOf<Paths>();
  });
});
