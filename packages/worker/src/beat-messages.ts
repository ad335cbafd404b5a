import type { Beat } from '@joinery/protocol'

/** The start of the thread that sends signs of life. */
export interface BeatThreadData {
  readonly url: string
  readonly token: string | undefined
  /** One counter, which the event loop of the worker moves each time that it turns. */
  readonly turns: SharedArrayBuffer
  /** A loop that stands for longer says so in its beats, ms. */
  readonly loopStallMs: number
}

export type ToBeatThread =
  | { readonly type: 'watch'; readonly lease: string; readonly leaseMs: number }
  | { readonly type: 'tell'; readonly lease: string; readonly beat: Beat }
  | { readonly type: 'forget'; readonly lease: string }
  | { readonly type: 'token'; readonly token: string | undefined }

export type FromBeatThread =
  | { readonly type: 'heard'; readonly lease: string; readonly what: 'cancel' | 'lease_lost' }
  /** The token is refused: the thread waits for another. */
  | { readonly type: 'unauthorized' }
