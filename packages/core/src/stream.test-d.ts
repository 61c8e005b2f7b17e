import type { createReadStream } from "node:fs";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { bytes } from "./bytes.ts";
import type { CallOptions } from "./call.ts";
import type { StreamProgress } from "./call-streams.ts";
import { fields } from "./fields.ts";
import type { Stream } from "./incoming-stream.ts";
import type { SchemaInput, SchemaOutput } from "./schema.ts";
import { stream } from "./stream.ts";
import type { StreamInput } from "./stream-source.ts";

const dates = stream(z.coerce.date());
type Dates = typeof dates;

describe("stream(…)", () => {
  test("takes what its item's schema takes, and gives what that gives", () => {
    expectTypeOf<SchemaInput<Dates>>().toEqualTypeOf<StreamInput<unknown>>();
    expectTypeOf<SchemaOutput<Dates>>().toEqualTypeOf<Stream<Date>>();
  });

  test("refuses streams of other items", () => {
    const numbers = stream(z.number());
    async function* words() {
      yield "one";
    }
    // @ts-expect-error -- strings are no numbers
    expectTypeOf(words()).toExtend<SchemaInput<typeof numbers>>();
    // @ts-expect-error -- nor are bytes
    expectTypeOf(new Blob()).toExtend<SchemaInput<typeof numbers>>();
    // @ts-expect-error -- nor is an array a stream
    expectTypeOf([1]).toExtend<SchemaInput<typeof numbers>>();
  });

  test("of bytes takes whatever gives them", () => {
    type Bytes = SchemaInput<ReturnType<typeof streamOfBytes>>;
    const streamOfBytes = () => stream(bytes());
    expectTypeOf<File>().toExtend<Bytes>();
    expectTypeOf<Blob>().toExtend<Bytes>();
    expectTypeOf<ReadableStream<Uint8Array>>().toExtend<Bytes>();
    expectTypeOf<ReadableStream<Uint8Array<ArrayBuffer>>>().toExtend<Bytes>();
    expectTypeOf<AsyncGenerator<Uint8Array>>().toExtend<Bytes>();
    expectTypeOf<AsyncGenerator<Buffer>>().toExtend<Bytes>();
    expectTypeOf<ReturnType<typeof createReadStream>>().toExtend<Bytes>();
    expectTypeOf<Stream<Uint8Array>>().toExtend<Bytes>();
  });
});

describe("a Stream", () => {
  test("is read with `for await`, or with `next` and `return`", () => {
    expectTypeOf<Stream<Date>>().toExtend<AsyncIterable<Date>>();
    expectTypeOf<ReturnType<Stream<Date>["next"]>>().resolves.toEqualTypeOf<IteratorResult<Date, void>>();
    expectTypeOf<Stream<Date>["size"]>().toEqualTypeOf<number | undefined>();
  });

  test("of bytes gives what a Blob can be made of", () => {
    const streamOfBytes = stream(bytes());
    expectTypeOf<SchemaOutput<typeof streamOfBytes>>().toEqualTypeOf<Stream<Uint8Array<ArrayBuffer>>>();
    const toBlob = (chunk: Uint8Array<ArrayBuffer>) => new Blob([chunk]);
    expectTypeOf(toBlob).returns.toEqualTypeOf<Blob>();
  });
});

describe("fields({ … })", () => {
  test("is an object of what each schema takes and gives", () => {
    const upload = fields({ name: z.string(), note: z.string().optional(), file: stream(bytes()) });
    type Input = { name: string; file: StreamInput<Uint8Array>; note?: string | undefined };
    type Output = { name: string; file: Stream<Uint8Array<ArrayBuffer>>; note?: string | undefined };
    expectTypeOf<SchemaInput<typeof upload>>().toEqualTypeOf<Input>();
    expectTypeOf<SchemaOutput<typeof upload>>().toEqualTypeOf<Output>();
  });
});

describe("onProgress", () => {
  test("hears which stream, how much of it, and of how much where that is known", () => {
    expectTypeOf<NonNullable<CallOptions["onProgress"]>>().parameters.toEqualTypeOf<[progress: StreamProgress]>();
    expectTypeOf<Pick<StreamProgress, "bytes" | "totalBytes">>().toEqualTypeOf<{
      readonly bytes: number;
      readonly totalBytes: number | undefined;
    }>();
  });
});
