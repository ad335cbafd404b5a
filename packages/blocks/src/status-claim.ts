import { isAt, isCount, isName } from './claim-bounds.ts'
import type { Claim, Run } from './claim-list.ts'
import { type ClaimProperty, ERROR_TEXT, PROGRESS, TOTAL } from './claim-property.ts'
import { deepFreeze, isPlainObject, toPlain } from './json.ts'
import type { ParsedClaim } from './ranked-claims.ts'

/**
 * One writer's record of a status. Immutable. `Extras` are the properties that one kind of status list has of its own, the name
 * of what the claim is about among them.
 */
export type StatusClaim<
  Status extends string = string,
  Source extends string = string,
  Extras extends object = object,
> = Claim & {
  readonly run: Run<Source>
  readonly status: Status
  /** The class of writer that reports, and who it is. */
  readonly source: Source
  readonly error?: string
  /** How far the run is, out of `total` if that is given. Ranks nobody. */
  readonly progress?: number
  readonly total?: number
} & Extras

/** The words that claims of one list are made of. */
export interface Vocabulary<Status extends string, Source extends string> {
  isStatus(value: unknown): value is Status
  isSource(value: unknown): value is Source
  maySay(status: Status, source: Source): boolean
  /** False where an element without a run is junk. */
  readonly hasLegacy: boolean
  /** The source that a stock client's legacy entry counts as. */
  readonly lowestSource: Source
  /** The property that names what a claim is about. */
  readonly key: string
  /** The optional properties in the order in which they are read. */
  readonly properties: Readonly<Record<string, ClaimProperty>>
}

/** All optional properties of a status claim, in the order in which they are read and written. */
export function statusProperties(
  ofRun: Readonly<Record<string, ClaimProperty>>,
  ofReport: Readonly<Record<string, ClaimProperty>>,
): Readonly<Record<string, ClaimProperty>> {
  return { ...ofRun, error: ERROR_TEXT, ...ofReport, progress: PROGRESS, total: TOTAL }
}

/**
 * Reads a claim, or a legacy `{ <key>, status, timestamp }` of a stock client. Junk names the first property that is wrong.
 */
export function statusParser<Status extends string, Source extends string, Extras extends object>(
  words: Vocabulary<Status, Source>,
): (raw: unknown) => ParsedClaim<StatusClaim<Status, Source, Extras>> {
  const { key, isStatus, isSource, lowestSource } = words
  const properties = Object.entries(words.properties)
  return (raw) => {
    if (!isPlainObject(raw)) return { junk: 'not an object' }
    const own = (property: string): unknown => (Object.hasOwn(raw, property) ? raw[property] : undefined)
    const name = own(key)
    const status = own('status')
    if (!isName(name)) return { junk: key }
    if (!isStatus(status)) return { junk: 'status' }
    const optional = readProperties(properties, own)
    if (typeof optional === 'string') return { junk: optional }
    if (own('run') === undefined) {
      // A legacy entry names no writer, so it may not say what is reserved for some.
      if (!words.hasLegacy || !words.maySay(status, lowestSource)) return { junk: 'run' }
      const timestamp = own('timestamp')
      const run = { no: 0, id: '', source: lowestSource }
      const at = isAt(timestamp) ? timestamp : 0
      return claimOf({ [key]: name, run, status, source: lowestSource, actor: '', at, ...optional })
    }
    const run = readRun(own('run'), words)
    const source = own('source')
    const actor = own('actor')
    const at = own('at')
    if (run === undefined) return { junk: 'run' }
    if (!isSource(source) || !words.maySay(status, source)) return { junk: 'source' }
    if (!isName(actor)) return { junk: 'actor' }
    if (!isAt(at)) return { junk: 'at' }
    return claimOf({ [key]: name, run, status, source, actor, at, ...optional })
  }

  function claimOf(read: object): ParsedClaim<StatusClaim<Status, Source, Extras>> {
    return { claim: deepFreeze(read as StatusClaim<Status, Source, Extras>) }
  }
}

/** The optional properties, copied; or the name of the first that is wrong. */
function readProperties(
  properties: readonly (readonly [string, ClaimProperty])[],
  own: (property: string) => unknown,
): object | string {
  const read: Record<string, unknown> = {}
  for (const [name, property] of properties) {
    const value = own(name)
    if (value === undefined) continue
    if (!property.fits(value, own)) return name
    read[name] = toPlain(value)
  }
  return read
}

function readRun<Source extends string>(raw: unknown, words: Vocabulary<string, Source>): Run<Source> | undefined {
  if (!isPlainObject(raw)) return undefined
  // An object that Yjs decoded may have inherited properties, which the next encoding loses.
  const own = (property: string): unknown => (Object.hasOwn(raw, property) ? raw[property] : undefined)
  const [no, id, source] = [own('no'), own('id'), own('source')]
  return isCount(no, 1) && isName(id) && words.isSource(source) ? { no, id, source } : undefined
}
