import { readFileSync } from "node:fs";
import { rich } from "@tautline/core";
import {
  closeCode,
  decodeBinaryFrame,
  decodeFrame,
  encodeMessage,
  everyMessage,
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
    const messages = decodeFrame(frame, everyMessage, parseStrictly);
    expect(messages.length).toBeGreaterThan(0);
    const known = (JSON.parse(frame) as Message[]).filter(([type]) => type < messageType.firstExtension);
    expect(messages).toEqual(known);
    const encoded = known.map((message) => encodeMessage(message)).join(",");
    if (known.length === (JSON.parse(frame) as unknown[]).length) expect(`[${encoded}]`).toBe(frame);
  });

  test.each(linesOf("binary"))("shows binary frames as they are: %s", (line) => {
    const [, head = "", json = "", rest = ""] = /^([0-9a-f]{8}) (\[.*\]) ([0-9a-f ]+)$/.exec(line) ?? [];
    const frame = Uint8Array.from(
      Buffer.from(`${head}${Buffer.from(json).toString("hex")}${rest.replaceAll(" ", "")}`, "hex"),
    );
    const [message] = decodeBinaryFrame(frame, everyMessage, parseStrictly);
    expect(encodeMessage([20, 7, rich.serialize(rich.deserialize(message?.at(-1)))])).toEqual(frame);
  });

  test("has each end of a scenario send what it may", () => {
    expect(scenarioLines.length).toBeGreaterThan(15);
    for (const { sender, frame } of scenarioLines) {
      expect(["C ", "S "]).toContain(sender);
      const types: readonly number[] = decodeFrame(frame, everyMessage).map(([type]) => type);
      const { welcome, refused, goaway, authenticated, hello, auth } = messageType;
      const others = sender === "C " ? [welcome, refused, goaway, authenticated] : [hello, auth];
      expect(types.filter((type) => others.includes(type))).toEqual([]);
    }
  });

  test("names every message type and every close code with its number, and no others", () => {
    const { firstExtension: _first, ...types } = messageType;
    const { mayReconnect: _may, endsSession: _ends, ...codes } = closeCode;
    const numbers = Object.entries({ ...types, ...codes }).map(([name, number]) => [number, spelt(name)] as const);
    expect(new Map([...numberedRows()].sort(([a], [b]) => a - b))).toEqual(new Map(numbers.sort(([a], [b]) => a - b)));
  });

  test("says of each close code whether it ends the session, and whether to come back", () => {
    const rows = [...text.matchAll(/^\| (\d{4}) \| .* \| (yes|no) \| (yes|no) \|$/gm)];
    expect(rows).toHaveLength(11);
    const word = (answer: boolean): string => (answer ? "yes" : "no");
    for (const [, digits, ends, back] of rows) {
      const code = Number(digits);
      expect([code, ends, back]).toEqual([code, word(closeCode.endsSession(code)), word(closeCode.mayReconnect(code))]);
    }
  });

  test("counts right in its scenarios: what each end says has come is what the other has sent", () => {
    const { resumes, acks } = checkScenarioCounts();
    expect(resumes).toBeGreaterThanOrEqual(2);
    expect(acks).toBeGreaterThanOrEqual(5);
  });

  test("shows rich values that rich itself writes and reads", () => {
    const cells = [...text.matchAll(/^\| `(\{"\$[^`…]*\})` \|/gm)].map(([, json = ""]) => JSON.parse(json) as unknown);
    expect(cells.length).toBeGreaterThanOrEqual(11);
    const marked = cells.map((json) => ({ $rich: [json, { $undefined: true }] }));
    const inFrames = frames
      .flatMap((frame) => decodeFrame(frame, everyMessage))
      .flatMap(([, , value]) => (isMarked(value) ? [value] : []));
    expect(inFrames).toHaveLength(1);
    const escaped = { $rich: { $: { $rich: 1 } } };
    for (const value of [...marked, ...inFrames, escaped])
      expect(JSON.parse(JSON.stringify(rich.serialize(rich.deserialize(value))))).toEqual(value);
  });

  test("links to vectors that exist", () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = ""]) => path);
    expect(links).toContain("packages/core/vectors/v1.json");
    for (const path of links) expect(readFileSync(new URL(`../${path}`, import.meta.url), "utf8")).not.toBe("");
  });
});

/** Plays the scenarios that begin with hello: what was lost on a cut is what the next hello does not count. */
function checkScenarioCounts(): { resumes: number; acks: number } {
  const sent = new Map<string, Message[]>();
  const counts = { resumes: 0, acks: 0 };
  for (const [, block = ""] of text.matchAll(/^```text\n(.*?)^```$/gms)) {
    const lines = block
      .trim()
      .split("\n")
      .map((line) => ({ sender: line.slice(0, 1), messages: decodeFrame(line.slice(2), everyMessage) }));
    const [first] = lines[0]?.messages ?? [];
    if (first?.[0] !== messageType.hello) continue;
    const { token, received } = first[2];
    const welcome = lines.flatMap(({ messages }) => messages).find((message) => message[0] === messageType.welcome);
    const resumed = welcome?.[1].received !== undefined;
    const kept = { C: resumed ? (sent.get(`C ${token}`) ?? []) : [], S: resumed ? (sent.get(`S ${token}`) ?? []) : [] };
    if (resumed) {
      counts.resumes++;
      expect(welcome[1].received).toBeLessThanOrEqual(kept.C.length);
      expect(received).toBeLessThanOrEqual(kept.S.length);
      const missed = kept.S.slice(received);
      const answers = lines.find(({ sender }) => sender === "S")?.messages.slice(1, 1 + missed.length);
      expect(answers).toEqual(missed);
      kept.S.length = received ?? 0;
      kept.C.length = welcome[1].received ?? 0;
    }
    for (const { sender, messages } of lines) {
      for (const message of messages) {
        const [own, other] = sender === "C" ? [kept.C, kept.S] : [kept.S, kept.C];
        if (message[0] === messageType.ack) {
          counts.acks++;
          expect(message[1]).toBeLessThanOrEqual(other.length);
        }
        if (message[0] >= messageType.query) own.push(message);
      }
    }
    for (const name of [token, welcome?.[1].token]) {
      sent.set(`C ${name}`, [...kept.C]);
      sent.set(`S ${name}`, [...kept.S]);
    }
  }
  return counts;
}

function isMarked(value: unknown): boolean {
  // A stream can be read only by whoever holds its call.
  return typeof value === "object" && value !== null && "$rich" in value && !JSON.stringify(value).includes("$stream");
}
