import type { StoredMessage } from '@joinery/cluster'

const LSN_RANGE = /^(\d+)-(\d+)$/

/**
 * The rules of one history, held against the headers of its messages alone, without the code that a node reads them with: each
 * LSN has one content, none is missing, and epochs never fall.
 */
export class HistoryRules {
  readonly #workspace: string
  #epoch = 0
  #lsn = 0
  #before = 'the beginning'

  /** Node that has written last. */
  writer = ''

  constructor(workspace: string) {
    this.#workspace = workspace
  }

  /** Takes the next message. Throws if it breaks a rule. */
  readonly take = ({ sequence, headers }: StoredMessage): void => {
    const [, first = Number.NaN, last = Number.NaN] = LSN_RANGE.exec(headers['Jy-Lsn'] ?? '')?.map(Number) ?? []
    const epoch = Number(headers['Jy-Epoch'])
    const told = `message ${sequence}, by ${headers['Jy-Node']} in epoch ${epoch}`
    const broken = (rule: string): Error =>
      new Error(`${this.#workspace}: ${rule}; it follows ${this.#before} in epoch ${this.#epoch}`)
    if (last >= first && first <= this.#lsn) throw broken(`record ${first} has two contents, the second in ${told}`)
    if (first !== this.#lsn + 1) throw broken(`${told} has record ${first} behind record ${this.#lsn}`)
    if (!(epoch >= this.#epoch)) throw broken(`the epoch falls at ${told}`)
    this.#epoch = epoch
    this.#lsn = Math.max(this.#lsn, last)
    this.#before = told
    this.writer = headers['Jy-Node'] ?? ''
  }
}
