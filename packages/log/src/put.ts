/** One write as LevelDB's batch takes it. The log only ever adds. */
export interface Put {
  readonly type: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
}
