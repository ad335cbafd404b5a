import { indexingRules, type MachineClaim } from '@joinery/blocks'
import type { Conflict } from '@joinery/client'

/** A status that somebody reported, of an index or of another resource. */
export interface ToldStatus {
  /** Its subject: “index main”, “report.pdf (file)”. */
  readonly subject: string
  readonly run: { readonly no: number; readonly id: string; readonly source: string }
  readonly status: string
  readonly error: string | undefined
  readonly actor: string
  readonly source: string
}

/** Reads statuses of the machines that a page has. */
export interface StatusReader {
  parse(raw: unknown): { readonly claim: MachineClaim } | { readonly junk: string }
}

const OF_INDEXES = { notStarted: 'not started', processing: 'processing', done: 'done', error: 'failed' } as const

/** Reads a claim as a status; undefined for anything else. */
export function toldStatus(raw: unknown, statuses: StatusReader | undefined): ToldStatus | undefined {
  const index = indexingRules.parse(raw)
  if ('claim' in index) {
    const { index_name, run, status, error, actor, source } = index.claim
    return { subject: `index ${index_name}`, run, status: OF_INDEXES[status], error, actor, source }
  }
  const resource = statuses?.parse(raw)
  if (resource === undefined || !('claim' in resource)) return undefined
  const { machine, name, run, status, error, actor, source } = resource.claim
  const subject = `${name} (${machine.replace(/@\d+$/, '')})`
  return { subject, run, status: status.replaceAll('_', ' '), error, actor, source }
}

/**
 * Whether two writers reported the same on one run. Only one of the reports stands, and yet nobody has contradicted anybody: a page
 * and the server both say how far an upload is.
 */
export function isAgreed({ winner, loser }: Pick<Conflict, 'winner' | 'loser'>, statuses?: StatusReader): boolean {
  const [standing, beaten] = [toldStatus(winner, statuses), toldStatus(loser, statuses)]
  if (standing === undefined || beaten === undefined) return false
  const isSameRun = standing.run.id === beaten.run.id && standing.subject === beaten.subject
  return isSameRun && standing.status === beaten.status && standing.error === beaten.error
}
