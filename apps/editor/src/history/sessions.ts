import type { HistoryRecord } from '@joinery/client'
import { fieldWords } from './field-words.ts'

/** Consecutive records of one writer, close in time. */
export interface Session {
  readonly first: number
  readonly last: number
  readonly actor: string
  readonly source: string
  /** Time of its last record, ms since epoch. */
  readonly at: number
  readonly touched: readonly string[]
  /** Names of the fields that were set, as far as the server tells. */
  readonly fields: readonly string[]
  /** False if it only deleted; undefined where the server does not tell. */
  readonly writes: boolean | undefined
}

/** Pause after which a record begins a new session, ms. */
const PAUSE_MS = 30_000

/** Tells a root type of an application's own, such as an editor's whole document, from a block: both are touched by name. */
export type RootTest = (name: string) => boolean

const noRoot: RootTest = () => false

/** Joins records, which are in the order of their LSNs, into sessions, oldest first. */
export function sessionsOf(records: readonly HistoryRecord[], isRoot = noRoot): Session[] {
  const sessions: Session[] = []
  for (const { lsn, at, actor, source, touched, fields = [], writes } of records) {
    const last = sessions.at(-1)
    const now: Session = { first: lsn, last: lsn, actor, source, at, touched: [...new Set(touched)], fields, writes }
    const goesOn = last?.actor === actor && last.source === source && at - last.at < PAUSE_MS
    if (last !== undefined && goesOn && isAlike(last, now, isRoot)) {
      const all = [...new Set([...last.touched, ...touched])]
      sessions[sessions.length - 1] = { ...now, first: last.first, touched: all }
    } else sessions.push(now)
  }
  return sessions
}

/** Whether two sessions touched the same part of the same block, and the same fields of it, or the same root. */
function isAlike(before: Session, now: Session, isRoot: RootTest): boolean {
  const part = partOf(before.touched, isRoot)
  return part !== undefined && part === partOf(now.touched, isRoot) && `${before.fields}` === `${now.fields}`
}

/** The touched part, as `block/part`, or the touched root; undefined for several parts, or for a whole block. */
function partOf(paths: readonly string[], isRoot: RootTest): string | undefined {
  const parts = new Set(paths.map((path) => path.split('/', 2).join('/')))
  const [part = ''] = parts
  return parts.size === 1 && (part.includes('/') || isRoot(part)) ? part : undefined
}

/** The blocks that were touched, without edges. */
export function blocksOf(touched: readonly string[]): string[] {
  return [...new Set(touched.filter((path) => !path.startsWith('edges/')).map(blockOf))]
}

export function blockOf(path = ''): string {
  return path.split('/', 1)[0] ?? ''
}

/** Source of the records that the server writes itself, to remove beaten claims from the lists. */
const SERVER = 'server'

/** Deeds by the part that was touched. */
const PARTS: Readonly<Record<string, string>> = {
  content: 'wrote in',
  fields: 'renamed, moved or changed a detail of',
  indexingList: 'reported on an index of',
  statuses: 'reported on a file, task or status of',
  data: 'changed the data of',
  type: 'changed the kind of',
}

type TitleOf = (id: string) => string | undefined

/**
 * Describes a session in one clause: `wrote in “Plan”`. `titleOf` gives the present title of a block, undefined for one that is
 * gone, and `goneTitleOf` the last title of such a one, as far as it is known.
 */
export function deedOf(
  session: Session,
  titleOf: TitleOf,
  isRoot = noRoot,
  goneTitleOf: TitleOf = () => undefined,
): string {
  const { touched, source, writes } = session
  if (source === SERVER) return 'removed reports that had come too late'
  const wholes = touched.filter((path) => !path.includes('/'))
  const ids = blocksOf(touched)
  const [id] = ids
  if (id === undefined) return touched.length === 0 ? 'wrote' : edgeDeed(writes)
  if (ids.length === 1 && wholes.length === 1 && isRoot(id)) return `edited “${id}”`
  const made = writes === undefined ? 'made, replaced or deleted' : writes ? 'made' : 'deleted'
  if (ids.length > 1) return `${wholes.length === ids.length ? made : 'changed'} ${ids.length} blocks`
  const title = titleOf(id)
  const was = title === undefined ? goneTitleOf(id) : undefined
  if (wholes.length > 0 && writes === false && title === undefined)
    return was === undefined ? 'deleted a block' : `deleted “${was}”`
  const gone = was === undefined ? 'a block that is gone' : `“${was}”, deleted since`
  const name = title === undefined ? gone : `“${title}”`
  if (wholes.length > 0) return `${made} ${name}`
  return `${partDeed(session, touched[0]?.split('/')[1] ?? '')} ${name}`
}

function edgeDeed(writes: boolean | undefined): string {
  if (writes === undefined) return 'changed an edge'
  return writes ? 'connected two blocks' : 'cut an edge'
}

/** Tells the deed at one part of a block: `moved`, or `renamed and moved`. */
function partDeed({ fields, source }: Session, part: string): string {
  if (part === 'content' && source === 'workflow_execution') return 'wrote the text of'
  const deeds = part === 'fields' ? [...new Set(fields.map((key) => fieldWords(key).deed))] : []
  if (deeds.length === 0) return PARTS[part] ?? 'changed'
  return deeds.length === 1 ? (deeds[0] ?? '') : `${deeds.slice(0, -1).join(', ')} and ${deeds.at(-1)}`
}
