import type { Contract, ContractProcedure } from "./contract.ts";
import type { Schema, SchemaInput, SchemaOutput } from "./schema.ts";

/** What JSON gives back for a `T`: `T` where it keeps it, something that `T` does not fit where it does not. */
type Json<T> = unknown extends T // `any` and `unknown` may hold anything: nothing can be said
  ? T
  : T extends string | number | boolean | null | undefined | void // as `z.void()` has it
    ? T
    : T extends Lost
      ? LostInJson
      : T extends readonly (infer Element)[]
        ? readonly JsonElement<Element>[]
        : T extends object
          ? { [Key in keyof T]: Json<T[Key]> }
          : LostInJson;

// In an array, `undefined` becomes `null`. As a property it is left out, which reads as the same.
type JsonElement<T> = unknown extends T ? T : undefined extends T ? LostInJson : Json<T>;

/** Objects that JSON writes as something else, or as `{}`. Whatever has a `toJSON` (Date, URL, …) is among them. */
type Lost =
  | { toJSON(...arguments_: never): unknown }
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | RegExp
  | Error
  | ArrayBufferLike
  | ArrayBufferView
  | PromiseLike<unknown>
  | ((...arguments_: never) => unknown);

declare const lostInJson: unique symbol;
interface LostInJson {
  readonly [lostInJson]: never;
}

/** Whether JSON keeps a type as it is. */
export type IsJsonSafe<T> = [T] extends [Json<T>] ? true : false;

type Crossing<S extends Schema | undefined, T> = S extends Schema ? IsJsonSafe<T> : true;

/** Whether JSON keeps what crosses the wire: the input as it is sent, the output as it was parsed. */
type ProcedureIsJsonSafe<P extends ContractProcedure> = false extends
  | Crossing<P["input"], SchemaInput<Exclude<P["input"], undefined>>>
  | Crossing<P["output"], SchemaOutput<Exclude<P["output"], undefined>>>
  ? false
  : true;

/** The paths of the procedures whose values JSON does not keep; `never` where it keeps all, or names are not known. */
export type JsonUnsafePaths<C extends Contract, Prefix extends string = ""> = string extends keyof C
  ? never
  : NamedUnsafePaths<C, Prefix>;

type NamedUnsafePaths<C extends Contract, Prefix extends string> = {
  [Name in keyof C & string]: C[Name] extends ContractProcedure
    ? ProcedureIsJsonSafe<C[Name]> extends true
      ? never
      : `${Prefix}${Name}`
    : C[Name] extends Contract
      ? JsonUnsafePaths<C[Name], `${Prefix}${Name}.`>
      : never;
}[keyof C & string];

/** What is lacking without a transformer: the property's name is the compiler's message. */
export interface TransformerNeeded<Paths extends string> {
  readonly "JSON does not keep what these procedures send: a transformer is needed, such as rich": Paths;
}
