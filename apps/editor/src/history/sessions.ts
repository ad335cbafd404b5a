import type { HistoryRecord } from '@joinery/client'

/** What one writer did in one go: consecutive records, close in time. */
export interface Session {
  readonly first: number
  readonly last: number
  readonly actor: string
  readonly source: string
  /** Time of its last record, ms since epoch. */
  readonly at: number
  readonly touched: readonly string[]
}

/** A pause after which writing on counts as another go, ms. */
const PAUSE_MS = 30_000

/** Joins records, given by LSN, into sessions, oldest first. */
export function sessionsOf(records: readonly HistoryRecord[]): Session[] {
  const sessions: Session[] = []
  for (const { lsn, at, actor, source, touched } of records) {
    const last = sessions.at(-1)
    const goesOn = last?.actor === actor && last.source === source && at - last.at < PAUSE_MS
    if (last !== undefined && goesOn && isAlike(last.touched, touched)) {
      sessions[sessions.length - 1] = { ...last, last: lsn, at, touched: [...new Set([...last.touched, ...touched])] }
    } else sessions.push({ first: lsn, last: lsn, actor, source, at, touched: [...new Set(touched)] })
  }
  return sessions
}

/** Going on with the same part of the same block is one go. */
function isAlike(before: readonly string[], now: readonly string[]): boolean {
  const part = partOf(before)
  return part !== undefined && part === partOf(now)
}

/** The one part that was touched, as `block/part`; undefined for several, or for a whole block. */
function partOf(paths: readonly string[]): string | undefined {
  const parts = new Set(paths.map((path) => path.split('/', 2).join('/')))
  const [part = ''] = parts
  return parts.size === 1 && part.includes('/') ? part : undefined
}

export function blockOf(path = ''): string {
  return path.split('/', 1)[0] ?? ''
}

/** Source of the records that the server writes itself: claims that lost are taken out of the lists. */
const SERVER = 'server'

const PARTS: Readonly<Record<string, string>> = {
  content: 'wrote in',
  indexingList: 'reported on an index of',
  fields: 'set a field of',
  data: 'set data of',
  type: 'set the type of',
}

/** What a session did, as one clause: `wrote in “Plan”`. */
export function deedOf({ touched, source }: Session, titleOf: (id: string) => string): string {
  if (source === SERVER) return 'cleared away what was said too late'
  if (touched.some((path) => path.startsWith('edges/'))) return 'changed an edge'
  const ids = [...new Set(touched.map(blockOf))]
  const whole = touched.find((path) => !path.includes('/'))
  if (ids.length > 1) return `changed ${ids.length} blocks`
  const [id = ''] = ids
  if (id === '') return 'wrote'
  if (whole !== undefined) return `made, replaced or deleted “${titleOf(id)}”`
  const part = touched[0]?.split('/')[1] ?? ''
  return `${PARTS[part] ?? 'changed'} “${titleOf(id)}”`
}
