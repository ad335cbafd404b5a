import { type Machine, type MachineClaim, shownStatus } from '@joinery/blocks'

/** One status of any machine in words: name, status, how far, why, and the machine. */
export function resourceWords(entry: MachineClaim): string {
  const { machine, name, progress, total, attempt, stalled, error } = entry
  const said = [shownStatus(entry).replaceAll('_', ' ')]
  if (progress !== undefined) said.push(total === undefined ? `${progress}` : `${progress} of ${total}`)
  if (attempt !== undefined && attempt > 1) said.push(`attempt ${attempt}`)
  const why = stalled?.why ?? error
  return `${name} (${machine}): ${said.join(', ')}${why === undefined ? '' : `: ${why}`}`
}

/** The tone of a chip, by the words that those of indexes use. */
export function resourceTone(
  { status, stalled }: MachineClaim,
  machine: Machine | undefined,
): 'notStarted' | 'processing' | 'done' | 'error' {
  const table = machine?.table
  if (stalled !== undefined || table?.failures.includes(status) === true) return 'error'
  if (table?.results.includes(status) === true) return 'done'
  return table?.phases[0]?.includes(status) === true ? 'notStarted' : 'processing'
}

/** A claim of a machine whose table the page does not have: as it stands, since nobody here knows how it ranks. */
export function rawWords({ machine, name, status, actor }: Readonly<Record<string, unknown>>): string {
  return `${told(name)} (${told(machine)}): ${told(actor)} says "${told(status)}"`
}

/** Stock clients put anything into a list. */
function told(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '?')
}
