import { parseArgs } from "node:util";
import { baseline, peerNames } from "./peer-registry.ts";
import { workloads } from "./workload.ts";

export const usage = `pnpm bench [options]
  --peer a,b        only these: ${peerNames.join(", ")} (ratios need ${baseline})
  --workload a,b    only these: ${workloads.map(({ name }) => name).join(", ")}
  --rounds n        rounds, default 15
  --duration-ms n   how long each peer works in each round, default 500
  --quick           5 rounds of 200 ms
  --assert          exit with 1 where a target is missed
  --profile folder  CPU profiles of the processes go there, and what took most time is printed; the figures suffer`;

export interface Options {
  readonly peers: readonly string[];
  readonly workloads: readonly string[];
  readonly rounds: number;
  readonly durationMs: number;
  readonly assert: boolean;
  readonly profileFolder: string | undefined;
}

/** Undefined where only the usage is wanted. @throws Error where an option is unknown or names what is not there. */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    // pnpm hands over the dashes that end its own options.
    args: args.filter((arg) => arg !== "--"),
    options: {
      peer: { type: "string" },
      workload: { type: "string" },
      rounds: { type: "string" },
      "duration-ms": { type: "string" },
      quick: { type: "boolean", default: false },
      assert: { type: "boolean", default: false },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  return {
    peers: pick("peer", values.peer, peerNames),
    workloads: pick(
      "workload",
      values.workload,
      workloads.map(({ name }) => name),
    ),
    rounds: readNumber(values.rounds, values.quick ? 5 : 15),
    durationMs: readNumber(values["duration-ms"], values.quick ? 200 : 500),
    assert: values.assert,
    profileFolder: values.profile,
  };
}

function pick(option: string, value: string | undefined, known: readonly string[]): readonly string[] {
  if (value === undefined) return known;
  const names = value.split(",");
  for (const name of names) if (!known.includes(name)) throw new Error(`--${option}: no "${name}"`);
  return names;
}

function readNumber(value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`"${value}" is no number of rounds or milliseconds`);
  return number;
}
