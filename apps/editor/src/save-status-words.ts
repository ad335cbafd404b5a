import type { SaveStatus } from '@joinery/client'

export interface StatusWords {
  readonly tone: 'good' | 'busy' | 'bad'
  readonly text: string
}

/** Text and tone of a save status, for a person. */
export function saveStatusWords(status: SaveStatus): StatusWords {
  switch (status.state) {
    case 'saved':
      return { tone: 'good', text: 'Saved' }
    case 'offline':
      return { tone: status.pending > 0 && !status.isKeptHere ? 'bad' : 'busy', text: offlineText(status) }
    case 'rejected':
      // The banner tells why a connection was refused, and what to do.
      return { tone: 'bad', text: status.what === 'connection' ? 'Not connected' : `Refused: ${plainReason(status)}` }
    case 'held':
      return { tone: 'bad', text: heldText(status) }
    case 'saving':
      return { tone: 'busy', text: status.isAlone ? 'Saving: not on the other machines yet' : 'Saving' }
    default:
      return { tone: 'busy', text: 'Saving' }
  }
}

/** Whether closing the page now could lose something. */
export function isUnsaved(status: SaveStatus): boolean {
  if (status.state === 'saved') return false
  const isKept = (status.state === 'offline' || status.state === 'held') && status.isKeptHere
  return status.pending > 0 && !isKept
}

function heldText({ pending, isKeptHere }: Extract<SaveStatus, { state: 'held' }>): string {
  if (pending === 0) return 'Read only'
  const edits = `${pending} edit${pending === 1 ? '' : 's'}`
  return isKeptHere ? `Not saved, ${edits} kept on this device` : `Not saved, ${edits} not kept anywhere yet`
}

function offlineText({ pending, isKeptHere }: Extract<SaveStatus, { state: 'offline' }>): string {
  if (pending === 0) return 'Offline'
  const edits = `${pending} edit${pending === 1 ? '' : 's'}`
  return isKeptHere ? `Offline, ${edits} kept on this device` : `Offline, ${edits} not kept anywhere yet`
}

/** Reasons that the server gives in words for programmers. */
const REASONS: Readonly<Record<string, string>> = { read_only: 'your key allows reading only' }

/** The reason for a person: without its code, which the server puts in front for programs. */
export function plainReason({ code, reason }: { code: string; reason: string }): string {
  const plain = REASONS[code]
  if (plain !== undefined) return plain
  return reason.startsWith(`${code}: `) ? reason.slice(code.length + 2) : reason
}
