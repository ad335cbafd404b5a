import { FIELD_ORDER_RULES, type FieldClaim, ORDER_RULES } from '@joinery/blocks'
import { type Conflict, PLACE_FIELD } from '@joinery/client'
import { quoted } from './quoted.ts'
import { type StatusReader, type ToldStatus, toldStatus } from './told-status.ts'
import { by, WRITERS, writerWords } from './writer-words.ts'

/** A conflict as a person reads it. */
export interface ConflictWords {
  /** Place of the conflict, and the value that stands. */
  readonly headline: string
  /** Value that lost. */
  readonly lost: string
  /** Rule by which the one stands and the other lost. */
  readonly why: string
}
export interface ShownConflict extends ConflictWords {
  readonly id: string
  readonly blockId: string
  readonly atMs: number
}

/**
 * Explains a conflict in the block named `title` in plain words. `statuses` reads those of machines. Values of an unknown shape are
 * quoted as they are.
 */
export function conflictWords(conflict: Omit<Conflict, 'type'>, title: string, statuses?: StatusReader): ConflictWords {
  const { field, winner, loser, rule, reportedBy } = conflict
  if (reportedBy !== undefined) return reportedWords(conflict, reportedBy, title)
  if (field === 'content') {
    return {
      headline: `“${title}”: a job rewrote text that somebody changed meanwhile. Both are kept.`,
      lost: `Nothing is lost. Typed: ${quoted(winner)}. Written by the job: ${quoted(loser)}.`,
      why: 'The job’s edits were merged, character by character, with those typed since it had read the text. Please check the result.',
    }
  }
  const [standing, beaten] = [toldStatus(winner, statuses), toldStatus(loser, statuses)]
  if (standing !== undefined && beaten !== undefined) return statusWords(standing, beaten, rule, title)
  if (isFieldClaim(winner) && isFieldClaim(loser)) return fieldWords(winner, loser, rule, title)
  return { headline: `“${title}”: ${field} is ${quoted(winner)}.`, lost: `${quoted(loser)} lost.`, why: rule }
}

/** Words for the report of a client, which may say anything: every sentence is the reporter's word, and says so. */
function reportedWords(
  { field, winner, loser, rule }: Omit<Conflict, 'type'>,
  reporter: string,
  title: string,
): ConflictWords {
  const unseen = 'The server has not seen this conflict. The history of the block shows who wrote what.'
  if (field !== 'content') {
    return {
      headline: `“${title}”: ${reporter} reports a conflict about ${field}.`,
      lost: `${reporter} says that ${quoted(winner)} stands and that ${quoted(loser)} lost.`,
      why: `${reporter} gives as the reason: ${quoted(rule)}. ${unseen}`,
    }
  }
  return {
    headline: `“${title}”: ${reporter} says that it rewrote text that somebody changed meanwhile.`,
    lost: `${reporter} says that somebody typed ${quoted(winner)}, that it wrote ${quoted(loser)}, and that both are kept.`,
    why: unseen,
  }
}

function statusWords(winner: ToldStatus, loser: ToldStatus, rule: string, title: string): ConflictWords {
  const about = winner.run.no === loser.run.no ? '' : ` about attempt ${loser.run.no}`
  return {
    headline: `“${title}”: ${winner.subject} stays ${said(winner)}, as ${by(winner)} said.`,
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

function whyStatus(winner: ToldStatus, loser: ToldStatus, rule: string): string {
  switch (rule) {
    case ORDER_RULES[1]:
      return `The report is about attempt ${loser.run.no}. Attempt ${winner.run.no} is later, and the later attempt counts.`
    case ORDER_RULES[2]:
      return `Both started an attempt at once. An attempt by ${writerWords(winner.run.source)} counts more than one by ${writerWords(loser.run.source)}.`
    case ORDER_RULES[3]:
      return 'Two writers of the same kind started an attempt at once. One of the two was picked, the same one for everybody.'
    case ORDER_RULES[4]:
      return `The attempt had already got further: “${winner.status}” comes after “${loser.status}”.`
    case ORDER_RULES[5]:
      return `Of two results of one attempt, the one from ${writerWords(winner.source)} counts more than the one from ${writerWords(loser.source)}.`
    case ORDER_RULES[6]:
      return 'Two writers of the same kind disagree about the result. The failure is shown, because somebody has to look at it.'
    default:
      return 'Both reported nearly the same. One of the two was picked, the same one for everybody.'
  }
}

function whyField(winner: FieldClaim, loser: FieldClaim, rule: string): string {
  if (rule === FIELD_ORDER_RULES[1]) return 'The writer of the value that stands had seen the other value.'
  if (rule === FIELD_ORDER_RULES[2]) {
    return `Neither had seen the other. A value set by ${writerWords(winner.source)} counts more than one set by ${writerWords(loser.source)}.`
  }
  return 'Neither had seen the other. One of the two was picked, the same one for everybody.'
}

function isFieldClaim(value: unknown): value is FieldClaim {
  if (typeof value !== 'object' || value === null) return false
  const { key, actor, source } = value as Partial<Record<keyof FieldClaim, unknown>>
  return (
    typeof key === 'string' && typeof actor === 'string' && typeof source === 'string' && Object.hasOwn(WRITERS, source)
  )
}

function said({ status, error }: ToldStatus): string {
  return error === undefined ? `“${status}”` : `“${status}: ${error}”`
}
