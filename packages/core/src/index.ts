export { type BytesOptions, type BytesSchema, bytes } from "./bytes.ts";
export type { StreamProgress } from "./call-streams.ts";
export {
  type Contract,
  type ContractMutation,
  type ContractProcedure,
  type ContractQuery,
  type ContractSubscription,
  contract,
  findProcedure,
  type HandlerInput,
  type HandlerOutput,
  type inferContractInput,
  type inferContractInputs,
  type inferContractOutput,
  type inferContractOutputs,
  isProcedure,
  type MutationDefinition,
  mutation,
  type ProcedureMeta,
  type ProcedureType,
  type QueryDefinition,
  query,
  type SubscriptionDefinition,
  subscription,
  type TrackedItem,
} from "./contract.ts";
export { ContractError, checkContract } from "./contract-check.ts";
export {
  type ErrorCode,
  type ErrorShape,
  isTrpcErrorCode,
  TautlineError,
  type TautlineErrorOptions,
  type TrpcErrorCode,
} from "./errors.ts";
export { type FieldSchemas, type FieldsSchema, fields } from "./fields.ts";
export type { Stream } from "./incoming-stream.ts";
export type { IsJsonSafe, JsonUnsafePaths, TransformerNeeded } from "./json-safe.ts";
export type { EventGap } from "./outgoing-call.ts";
export { type Rich, rich } from "./rich.ts";
export type { RichKind } from "./rich-kind.ts";
export { isSchema, type Schema, SchemaError, type SchemaInput, type SchemaOutput, validate } from "./schema.ts";
export { type StreamSchema, stream } from "./stream.ts";
export type { StreamPaths } from "./stream-paths.ts";
export type { StreamInput } from "./stream-source.ts";
