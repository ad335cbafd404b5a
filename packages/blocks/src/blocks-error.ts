/** Code of an error, from a closed list. SPEC.md says what each code means and what to do. */
export type BlocksErrorCode =
  | 'bad_block_id'
  | 'bad_edge_id'
  | 'bad_argument'
  | 'forbidden_key'
  | 'block_missing'
  | 'foreign_shape'
  | 'run_superseded'
  | 'machine_mismatch'

/** The one error of this package. `field` names the wrong argument, if an argument was wrong. */
export class BlocksError extends Error {
  override name = 'BlocksError'
  readonly code: BlocksErrorCode
  readonly field: string | undefined
  constructor(code: BlocksErrorCode, message: string, field?: string) {
    super(message)
    this.code = code
    this.field = field
  }
}
