import type { HistoryRecord } from '@joinery/client'

/** Consecutive records of one writer, close in time. */
export interface Session {
  readonly first: number
  readonly last: number
  readonly actor: string
  readonly source: string
  /** Time of its last record, ms since epoch. */
  readonly at: number
  readonly touched: readonly string[]
}

/** Pause after which a record begins a new session, ms. */
const PAUSE_MS = 30_000

/** Tells a root type of an application's own, such as an editor's whole document, from a block: both are touched by name. */
export type RootTest = (name: string) => boolean

const noRoot: RootTest = () => false

/** Joins records, which are in the order of their LSNs, into sessions, oldest first. */
export function sessionsOf(records: readonly HistoryRecord[], isRoot = noRoot): Session[] {
  const sessions: Session[] = []
  for (const { lsn, at, actor, source, touched } of records) {
    const last = sessions.at(-1)
    const goesOn = last?.actor === actor && last.source === source && at - last.at < PAUSE_MS
    if (last !== undefined && goesOn && isAlike(last.touched, touched, isRoot)) {
      sessions[sessions.length - 1] = { ...last, last: lsn, at, touched: [...new Set([...last.touched, ...touched])] }
    } else sessions.push({ first: lsn, last: lsn, actor, source, at, touched: [...new Set(touched)] })
  }
  return sessions
}

/** Whether two records touched the same part of the same block, or the same root. */
function isAlike(before: readonly string[], now: readonly string[], isRoot: RootTest): boolean {
  const part = partOf(before, isRoot)
  return part !== undefined && part === partOf(now, isRoot)
}

/** The touched part, as `block/part`, or the touched root; undefined for several parts, or for a whole block. */
function partOf(paths: readonly string[], isRoot: RootTest): string | undefined {
  const parts = new Set(paths.map((path) => path.split('/', 2).join('/')))
  const [part = ''] = parts
  return parts.size === 1 && (part.includes('/') || isRoot(part)) ? part : undefined
}

export function blockOf(path = ''): string {
  return path.split('/', 1)[0] ?? ''
}

/** Source of the records that the server writes itself, to remove beaten claims from the lists. */
const SERVER = 'server'

/** Deeds by the part that was touched. A record does not say which field was set. */
const PARTS: Readonly<Record<string, string>> = {
  content: 'wrote in',
  fields: 'renamed, moved or changed a detail of',
  indexingList: 'reported on an index of',
  data: 'changed the data of',
  type: 'changed the kind of',
}

/** Describes a session in one clause: `wrote in “Plan”`. */
export function deedOf({ touched, source }: Session, titleOf: (id: string) => string, isRoot = noRoot): string {
  if (source === SERVER) return 'removed reports that had come too late'
  if (touched.some((path) => path.startsWith('edges/'))) return 'changed an edge'
  const ids = [...new Set(touched.map(blockOf))]
  if (ids.length === 1 && touched.every(isRoot)) return `edited “${ids[0]}”`
  const whole = touched.find((path) => !path.includes('/'))
  if (ids.length > 1) return `changed ${ids.length} blocks`
  const [id = ''] = ids
  if (id === '') return 'wrote'
  if (whole !== undefined) return `made, replaced or deleted “${titleOf(id)}”`
  const [, part = ''] = touched[0]?.split('/') ?? []
  return `${PARTS[part] ?? 'changed'} “${titleOf(id)}”`
}
