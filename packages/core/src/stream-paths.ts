import type { Contract, ContractProcedure } from "./contract.ts";
import type { FieldSchemas, FieldsSchema } from "./fields.ts";
import type { Schema } from "./schema.ts";
import type { StreamSchema } from "./stream.ts";

/** Whether a schema is one of streams, or has one in its fields. */
type HoldsStreams<S> =
  S extends StreamSchema<infer _Item extends Schema>
    ? true
    : S extends FieldsSchema<infer Fields extends FieldSchemas>
      ? { [Name in keyof Fields]: HoldsStreams<Fields[Name]> }[keyof Fields]
      : false;

type ProcedureHoldsStreams<P extends ContractProcedure> = HoldsStreams<P["input"]> | HoldsStreams<P["output"]>;

/** The paths of the procedures that take or give streams; `never` where there are none, or names are not known. */
export type StreamPaths<C extends Contract, Prefix extends string = ""> = string extends keyof C
  ? never
  : {
      [Name in keyof C & string]: C[Name] extends ContractProcedure
        ? true extends ProcedureHoldsStreams<C[Name]>
          ? `${Prefix}${Name}`
          : never
        : C[Name] extends Contract
          ? StreamPaths<C[Name], `${Prefix}${Name}.`>
          : never;
    }[keyof C & string];
