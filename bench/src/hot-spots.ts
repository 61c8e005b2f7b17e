import { readFile } from "node:fs/promises";

/** A V8 CPU profile, as `node --cpu-prof` writes it. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** The functions in which a process spent most of its busy time, theirs alone without what they called. */
export async function readHotSpots(path: string, most: number): Promise<string> {
  const profile = JSON.parse(await readFile(path, "utf8")) as Profile;
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, describe(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? "?";
    if (name === "(idle)" || name === "(root)") return;
    const time = profile.timeDeltas[index] ?? 0;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  });
  const sorted = [...times].sort((a, b) => b[1] - a[1]).slice(0, most);
  return sorted.map(([name, time]) => `${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`).join("\n");
}

function describe({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  const file = url.replace(/^.*\/(node_modules|packages|bench)\//, "");
  return file === "" ? name : `${name}  ${file}:${lineNumber + 1}`;
}
