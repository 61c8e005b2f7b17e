import { readFileSync } from "node:fs";
import { rich } from "@tautline/core";
import {
  closeCode,
  decodeFrame,
  encodeMessage,
  type Message,
  messageType,
  parseStrictly,
} from "@tautline/core/internals";
import { describe, expect, test } from "vitest";

const text = readFileSync(new URL("../PROTOCOL.md", import.meta.url), "utf8");

/** The lines of all code blocks of a language. */
function linesOf(language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"));
  return [...blocks].flatMap(([, block = ""]) => block.trim().split("\n"));
}

const scenarioLines = linesOf("text").map((line) => ({ sender: line.slice(0, 2), frame: line.slice(2) }));
const frames = [...linesOf("json"), ...scenarioLines.map(({ frame }) => frame)];

/** The rows of the tables whose first column is a number: the number, and the name after it. */
function numberedRows(): Map<number, string> {
  const rows = text.matchAll(/^\| (\d+) \| ([a-z ]+) \|/gm);
  return new Map([...rows].map(([, number, name = ""]) => [Number(number), name]));
}

function spelt(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

describe("PROTOCOL.md", () => {
  test.each(frames)("shows frames as they are: %s", (frame) => {
    const messages = decodeFrame(frame, parseStrictly);
    expect(messages.length).toBeGreaterThan(0);
    const known = (JSON.parse(frame) as Message[]).filter(([type]) => type < messageType.firstExtension);
    expect(messages).toEqual(known);
    const encoded = known.map((message) => encodeMessage(message)).join(",");
    if (known.length === (JSON.parse(frame) as unknown[]).length) expect(`[${encoded}]`).toBe(frame);
  });

  test("has each end of a scenario send what it may", () => {
    expect(scenarioLines.length).toBeGreaterThan(15);
    for (const { sender, frame } of scenarioLines) {
      expect(["C ", "S "]).toContain(sender);
      const types: readonly number[] = decodeFrame(frame).map(([type]) => type);
      if (sender === "C ") expect(types).not.toContainEqual(messageType.welcome);
      if (sender === "C ") expect(types).not.toContainEqual(messageType.refused);
      if (sender === "S ") expect(types).not.toContainEqual(messageType.hello);
    }
  });

  test("names every message type and every close code with its number, and no others", () => {
    const { firstExtension: _first, ...types } = messageType;
    const { mayReconnect: _may, ...codes } = closeCode;
    const numbers = Object.entries({ ...types, ...codes }).map(([name, number]) => [number, spelt(name)] as const);
    expect(new Map([...numberedRows()].sort(([a], [b]) => a - b))).toEqual(new Map(numbers.sort(([a], [b]) => a - b)));
  });

  test("says of each close code whether to come back", () => {
    const rows = [...text.matchAll(/^\| (\d{4}) \| .* \| (yes|no) \|$/gm)].map(([, code, answer]) => [
      Number(code),
      answer,
    ]);
    expect(rows).toHaveLength(8);
    for (const [code, answer] of rows) {
      expect([code, answer]).toEqual([code, closeCode.mayReconnect(Number(code)) ? "yes" : "no"]);
    }
  });

  test("shows rich values that rich itself writes and reads", () => {
    const cells = [...text.matchAll(/^\| `(\{"\$[^`…]*\})` \|/gm)].map(([, json = ""]) => JSON.parse(json) as unknown);
    expect(cells.length).toBeGreaterThanOrEqual(8);
    const marked = cells.map((json) => ({ $rich: [json, { $undefined: true }] }));
    const inFrames = frames
      .flatMap((frame) => decodeFrame(frame))
      .flatMap(([, , value]) => (isMarked(value) ? [value] : []));
    expect(inFrames).toHaveLength(1);
    const escaped = { $rich: { $: { $rich: 1 } } };
    for (const value of [...marked, ...inFrames, escaped])
      expect(rich.serialize(rich.deserialize(value))).toEqual(value);
  });

  test("links to vectors that exist", () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path);
    expect(links).toContain("packages/core/vectors/v1.json");
    for (const path of links) expect(readFileSync(new URL(`../${path}`, import.meta.url), "utf8")).not.toBe("");
  });
});

function isMarked(value: unknown): boolean {
  return typeof value === "object" && value !== null && "$rich" in value;
}
