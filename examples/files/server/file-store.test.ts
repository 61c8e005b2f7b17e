import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileStore } from "./file-store.ts";

let store: FileStore;

beforeEach(async () => {
  store = await FileStore.open({ storeBytes: 100, files: 3 });
});

afterEach(() => store.close());

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe("a file store", () => {
  it("gives what it was given, and the hash of it", async () => {
    const stored = await store.add("a.txt", 6, chunks("one", "two"));
    expect(stored).toMatchObject({ name: "a.txt", size: 6 });
    expect(stored.sha256).toBe(createHash("sha256").update("onetwo").digest("hex"));
    expect(await textOf(store.read(stored))).toBe("onetwo");
  });

  it("takes an empty file", async () => {
    const stored = await store.add("empty", 0, chunks());
    expect(await textOf(store.read(stored))).toBe("");
  });

  it("takes any name, which is no path", async () => {
    const name = "../../etc/passwd";
    const first = await store.add(name, 1, chunks("1"));
    const second = await store.add(name, 1, chunks("2"));
    expect(await textOf(store.read(first))).toBe("1");
    expect(store.files).toEqual([second, first]);
    expect(() => store.find(name)).toThrow("no such file");
  });

  it.each([
    ["longer", 5],
    ["shorter", 7],
  ])("keeps nothing of a file that is %s than was said", async (how, size) => {
    await expect(store.add("a.txt", size, chunks("one", "two"))).rejects.toThrow(`${how} than was said`);
    expect(store.files).toEqual([]);
    await store.add("whole", 100, chunks("x".repeat(100)));
  });

  it("keeps nothing of a file that breaks off", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield* chunks("one");
      throw new Error("gone");
    }
    await expect(store.add("a.txt", 100, broken())).rejects.toThrow("gone");
    await store.add("whole", 100, chunks("x".repeat(100)));
  });

  it("takes no more than it has room for, what is on its way included", async () => {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    async function* slow(): AsyncGenerator<Uint8Array> {
      await finished;
      yield* chunks("x".repeat(60));
    }
    const first = store.add("first", 60, slow());
    await expect(store.add("second", 41, chunks())).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
    finish();
    const { id } = await first;
    await store.remove(id);
    await store.add("third", 100, chunks("x".repeat(100)));
    await store.add("fourth", 0, chunks());
    await store.add("fifth", 0, chunks());
    await expect(store.add("sixth", 0, chunks())).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  it("has removed a file once, however often it is asked to", async () => {
    const { id } = await store.add("a.txt", 100, chunks("x".repeat(100)));
    await Promise.all([store.remove(id), store.remove(id)]);
    await store.remove(id);
    expect(() => store.find(id)).toThrow("no such file");
    await store.add("b.txt", 100, chunks("x".repeat(100)));
    await expect(store.add("c.txt", 1, chunks("x"))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });
});
