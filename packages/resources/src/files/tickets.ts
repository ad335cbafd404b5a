import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { FileError } from './file-error.ts'

/** The right that a ticket gives to its bearer. */
export type Grant =
  | { readonly op: 'put'; readonly scope: string; readonly key: string; readonly n: number; readonly bytes: number }
  | {
      readonly op: 'get'
      readonly scope: string
      readonly sha256: string
      readonly bytes: number
      readonly name: string
      readonly type: string
    }

/** Characters of the longest ticket: names have at most 1,024 bytes. */
const TICKET_CHARS_MAX = 4_096

/**
 * Signs what the bearer of a URL may do, and until when. The key lives as long as the process: after a restart the pages ask for
 * new URLs, as they do when one has expired.
 */
export class Tickets {
  readonly #key: Buffer
  readonly #now: () => number

  /** @param now the time, ms since epoch */
  constructor(now: () => number, key: Buffer = randomBytes(32)) {
    this.#now = now
    this.#key = key
  }

  sign(grant: Grant, expiresAtMs: number): string {
    const payload = Buffer.from(JSON.stringify({ ...grant, expiresAtMs })).toString('base64url')
    return `${payload}.${this.#digestOf(payload).toString('base64url')}`
  }

  /** Throws `bad_ticket` unless the ticket is as it was signed, and has not expired. */
  read(ticket: string): Grant {
    if (ticket.length > TICKET_CHARS_MAX) throw changed()
    const [payload = '', signature = '', ...rest] = ticket.split('.')
    const given = Buffer.from(signature, 'base64url')
    const expected = this.#digestOf(payload)
    // Base64 has several texts for some bytes: only the one that was given out counts.
    const isSame = given.length === expected.length && timingSafeEqual(given, expected)
    if (rest.length > 0 || !isSame || given.toString('base64url') !== signature) throw changed()
    const { expiresAtMs, ...grant } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Grant & {
      readonly expiresAtMs: number
    }
    if (this.#now() >= expiresAtMs) throw new FileError('bad_ticket', 'the URL has expired: ask for a new one')
    return grant as Grant
  }

  #digestOf(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest()
  }
}

/**
 * The scope of the upload whose part a ticket says it is for; undefined for any other text. Nothing is checked: it says which process has
 * the upload, and gives no right.
 */
export function scopeOfPart(ticket: string): string | undefined {
  if (ticket.length > TICKET_CHARS_MAX) return undefined
  try {
    const said = JSON.parse(Buffer.from(ticket.split('.', 1)[0] ?? '', 'base64url').toString()) as Partial<Grant> | null
    return said?.op === 'put' && typeof said.scope === 'string' ? said.scope : undefined
  } catch {
    // The door refuses it in its own words.
    return undefined
  }
}

function changed(): FileError {
  return new FileError('bad_ticket', 'the URL was changed, or was made before this server started: ask for a new one')
}
