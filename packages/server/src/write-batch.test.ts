import { describe, expect, test } from "vitest";
import { type WireSocket, WriteBatch } from "./write-batch.ts";

interface Written {
  readonly to: string;
  readonly wire: Uint8Array;
}

function createSockets(...names: string[]): { readonly written: Written[]; readonly sockets: WireSocket[] } {
  const written: Written[] = [];
  const sockets = names.map((to) => ({ write: (wire: Uint8Array) => written.push({ to, wire }) }));
  return { written, sockets };
}

const [first, second] = [new Uint8Array([1]), new Uint8Array([2])];

describe("a write batch", () => {
  test("writes its frame to each socket by itself, in the order in which they came", async () => {
    const batch = new WriteBatch();
    const { written, sockets } = createSockets("a", "b", "c");
    for (const socket of sockets) batch.add(socket, first);
    expect(written).toEqual([]);
    await Promise.resolve();
    expect(written).toEqual(["a", "b", "c"].map((to) => ({ to, wire: first })));
    await Promise.resolve();
    expect(written).toHaveLength(3);
  });

  test("writes what waits before another frame begins", async () => {
    const batch = new WriteBatch();
    const { written, sockets } = createSockets("a", "b");
    for (const wire of [first, second, first]) for (const socket of sockets) batch.add(socket, wire);
    await Promise.resolve();
    expect(written.map(({ to, wire }) => `${to}${wire[0]}`)).toEqual(["a1", "b1", "a2", "b2", "a1", "b1"]);
  });

  test("writes at once where it is asked to, and then no more", async () => {
    const batch = new WriteBatch();
    const { written, sockets } = createSockets("a", "b");
    for (const socket of sockets) batch.add(socket, first);
    batch.flush();
    expect(written).toHaveLength(2);
    batch.flush();
    await Promise.resolve();
    expect(written).toHaveLength(2);
  });

  test("writes to many in parts, and misses none", async () => {
    const batch = new WriteBatch();
    const names = Array.from({ length: 150 }, (_, index) => `${index}`);
    const { written, sockets } = createSockets(...names);
    for (const socket of sockets) batch.add(socket, first);
    expect(written).toHaveLength(128);
    await Promise.resolve();
    expect(written.map(({ to }) => to)).toEqual(names);
  });

  test("takes what a socket adds while it is written to", async () => {
    const batch = new WriteBatch();
    const { written, sockets } = createSockets("b", "c");
    const adding: WireSocket = {
      write: (wire) => {
        written.push({ to: "a", wire });
        for (const socket of sockets) batch.add(socket, second);
      },
    };
    for (const socket of [adding, ...sockets]) batch.add(socket, first);
    await Promise.resolve();
    await Promise.resolve();
    expect(written.map(({ to, wire }) => `${to}${wire[0]}`)).toEqual(["a1", "b1", "c1", "b2", "c2"]);
  });
});
