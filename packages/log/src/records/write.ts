/** One write of a LevelDB batch. */
export interface Put {
  readonly type: 'put'
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Deletes one entry. Does nothing if there is none. */
export interface Del {
  readonly type: 'del'
  readonly key: Uint8Array
}

export type Write = Put | Del
