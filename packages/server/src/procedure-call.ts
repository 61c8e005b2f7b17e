/** One call of a procedure. */
export interface ProcedureCall {
  readonly ctx: unknown;
  /** The raw input: deserialised, not yet seen by any schema. */
  readonly input: unknown;
  /** The procedure's dotted path. */
  readonly path: string;
  /** Aborts when the call is cancelled or its client is gone. A getter: the signal is made when first read. */
  readonly signal: AbortSignal;
  /** The position in a batch, from 0. */
  readonly batchIndex: number;
}
