import type { SaveStatus } from '@joinery/client'
import { asSentence } from './as-sentence.ts'
import { refusedWords } from './keys/refused-words.ts'
import { plainReason } from './save-status-words.ts'

export interface BannerWords {
  readonly title: string
  readonly text: string
}

const HELD: Readonly<Record<string, string>> = {
  storage_full: 'The server’s disk is full.',
  storage_failed: 'The server can’t write to its disk.',
  quarantined: 'This workspace is damaged on the server and read-only.',
  not_replicated: 'The server reaches no other machine now and takes no edits.',
}

const REFUSED: Readonly<Record<string, string>> = {
  deleted: 'This workspace was deleted.',
  workspace_deleted: 'This workspace was deleted.',
  quarantined: 'This workspace is damaged on the server.',
}

/** Title and text of the banner; undefined while there is no lasting problem. `hasLogin`: there is an address to log in. */
export function bannerWords(status: SaveStatus, hasLogin = false): BannerWords | undefined {
  if (status.state === 'held') {
    const kept =
      status.pending === 0
        ? 'You can go on reading.'
        : status.isKeptHere
          ? 'Your edits are kept on this device and sent once it works again.'
          : 'Your edits are not kept anywhere yet: leave this page open.'
    return { title: HELD[status.code] ?? 'The server takes no edits now.', text: `${kept} (${status.reason})` }
  }
  if (status.state === 'rejected' && status.what === 'connection') {
    if (status.code === 'unauthorized' || status.code === 'forbidden') return refusedWords(status, hasLogin)
    return {
      title: REFUSED[status.code] ?? 'The server refused the connection.',
      text: asSentence(plainReason(status)),
    }
  }
  return undefined
}
