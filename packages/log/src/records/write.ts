/** One write as LevelDB's batch takes it. */
export interface Put {
  readonly type: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Takes one entry away; harmless if it is not there. */
export interface Del {
  readonly type: 'del'
  readonly key: Uint8Array
}

export type Write = Put | Del
