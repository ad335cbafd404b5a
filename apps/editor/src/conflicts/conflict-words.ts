import {
  FIELD_ORDER_RULES,
  type FieldClaim,
  indexingRules,
  ORDER_RULES,
  type Source,
  type StatusClaim,
} from '@joinery/blocks'
import { type Conflict, PLACE_FIELD } from '@joinery/client'

/** A conflict as a person reads it. */
export interface ConflictWords {
  /** Where it was, and what stands. */
  readonly headline: string
  /** What lost. */
  readonly lost: string
  /** By which rule. */
  readonly why: string
}
export interface ShownConflict extends ConflictWords {
  readonly id: string
  readonly blockId: string
  readonly atMs: number
}

const SOURCES: Readonly<Record<Source, string>> = {
  user_action: 'a person',
  workflow_execution: 'a workflow',
  instantiation: 'a template',
  polling_sync: 'a poller',
}
const STATUSES = { notStarted: 'not started', processing: 'processing', done: 'done', error: 'failed' } as const

/** What somebody told of a conflict in the block called `title`, in plain words. What can't be read is quoted as it is. */
export function conflictWords({ field, winner, loser, rule }: Omit<Conflict, 'type'>, title: string): ConflictWords {
  if (field === 'content') {
    return {
      headline: `“${title}”: a job rewrote text that somebody changed meanwhile. Both are kept.`,
      lost: `Nothing is lost. Typed: ${quoted(winner)}. Written by the job: ${quoted(loser)}.`,
      why: 'A job’s edits meet what was typed since it read the text, character by character. Read the place once.',
    }
  }
  const [standing, beaten] = [indexingRules.parse(winner), indexingRules.parse(loser)]
  if ('claim' in standing && 'claim' in beaten) return statusWords(standing.claim, beaten.claim, rule, title)
  if (isFieldClaim(winner) && isFieldClaim(loser)) return fieldWords(winner, loser, rule, title)
  return { headline: `“${title}”: ${field} is ${quoted(winner)}.`, lost: `${quoted(loser)} lost.`, why: rule }
}

function statusWords(winner: StatusClaim, loser: StatusClaim, rule: string, title: string): ConflictWords {
  const about = winner.run.no === loser.run.no ? '' : ` about attempt ${loser.run.no}`
  return {
    headline: `“${title}”: index ${winner.index_name} stays ${said(winner)}, as ${by(winner)} said.`,
    lost: `${by(loser)} said ${said(loser)}${about}.`,
    why: whyStatus(winner, loser, rule),
  }
}

function fieldWords(winner: FieldClaim, loser: FieldClaim, rule: string, title: string): ConflictWords {
  if (winner.key === PLACE_FIELD) {
    return {
      headline: `“${title}” stands where ${by(winner)} moved it.`,
      lost: `${by(loser)} moved it elsewhere at the same time.`,
      why: whyField(winner, loser, rule),
    }
  }
  return {
    headline: `“${title}”: ${winner.key} is ${quoted(winner.value)}, as ${by(winner)} set it.`,
    lost: `${by(loser)} set it to ${quoted(loser.value)} at the same time.`,
    why: whyField(winner, loser, rule),
  }
}

function whyStatus(winner: StatusClaim, loser: StatusClaim, rule: string): string {
  switch (rule) {
    case ORDER_RULES[1]:
      return `It is about attempt ${loser.run.no}; attempt ${winner.run.no} is the later one, and the later one counts.`
    case ORDER_RULES[2]:
      return `Both started an attempt at once. The one by ${SOURCES[winner.run.source]} counts more than the one by ${SOURCES[loser.run.source]}.`
    case ORDER_RULES[3]:
      return 'Two equals started an attempt at once. One of the two was picked, the same one for everybody.'
    case ORDER_RULES[4]:
      return `The attempt had already got further: ${STATUSES[winner.status]} stands above ${STATUSES[loser.status]}.`
    case ORDER_RULES[5]:
      return `Of two results of one attempt, the one from ${SOURCES[winner.source]} counts more than the one from ${SOURCES[loser.source]}.`
    case ORDER_RULES[6]:
      return 'Two equals disagree about the result. The failure shows, since somebody has to look.'
    default:
      return 'Both said nearly the same. One of the two was picked, the same one for everybody.'
  }
}

function whyField(winner: FieldClaim, loser: FieldClaim, rule: string): string {
  if (rule === FIELD_ORDER_RULES[1]) return 'Who set the value that stands had seen the other.'
  if (rule === FIELD_ORDER_RULES[2]) {
    return `Neither had seen the other. What ${SOURCES[winner.source]} sets counts more than what ${SOURCES[loser.source]} sets.`
  }
  return 'Neither had seen the other. One of the two was picked, the same one for everybody.'
}

function isFieldClaim(value: unknown): value is FieldClaim {
  if (typeof value !== 'object' || value === null) return false
  const { key, actor, source } = value as Partial<Record<keyof FieldClaim, unknown>>
  return (
    typeof key === 'string' && typeof actor === 'string' && typeof source === 'string' && Object.hasOwn(SOURCES, source)
  )
}

function by({ actor, source }: { actor: string; source: Source }): string {
  if (SOURCES[source] === `a ${actor}`) return `the ${actor}`
  return source === 'user_action' ? actor : `${actor} (${SOURCES[source]})`
}

function said({ status, error }: StatusClaim): string {
  return error === undefined ? `“${STATUSES[status]}”` : `“${STATUSES[status]}: ${error}”`
}

/** Characters of a value: it is there to be recognised, not to be read. */
const QUOTE_CHARS_MAX = 80

function quoted(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  const letters = [...text]
  return letters.length > QUOTE_CHARS_MAX ? `“${letters.slice(0, QUOTE_CHARS_MAX).join('')}…”` : `“${text}”`
}
