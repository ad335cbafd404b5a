import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { SignedHead } from '../proof/signed-head.ts'
import { type Chain, type ChainMark, sha256 } from '../records/chain.ts'
import { type PackedSnapshot, unpackState } from '../records/packed-snapshot.ts'
import { type ArchivedWorkspace, chainOfArchived } from './archive-content.ts'
import { readArchive } from './read-archive.ts'

/**
 * The part that a log has of the history which a head stands for. `contained`: its records, and the snapshot that stands for those which were
 * dropped before it was signed. `attested`: records were dropped after it was signed; those that are left are its own, and for the
 * others there is the chain value alone. `departed`: other records, or fewer. `unproven`: its records were dropped, and no value is
 * kept.
 */
export type HeadState = 'contained' | 'attested' | 'departed' | 'unproven'

/** The verdict on one head. */
export interface HeadVerdict {
  readonly head: SignedHead
  readonly state: HeadState
  /** `departed`: the first record that may be another one, and the last that the head stands for. */
  readonly from?: Lsn
  readonly through?: Lsn
  /** One line for a person. */
  readonly message: string
}

/**
 * Holds signed heads of one workspace against an archive of it. A head that departs is compared with the others, so that the place
 * is narrowed down. `archive` may reject with `invalid`, for a workspace that is not there, or `corrupted`: the heads depart then. The
 * signatures are not looked at: `parseSignedHeads` has.
 */
export async function verifyHeads(
  workspace: string,
  heads: readonly SignedHead[],
  archive: AsyncIterable<Uint8Array>,
): Promise<HeadVerdict[]> {
  const reader = new HeadReader(workspace, new Set(heads.map(({ lsn }) => lsn)))
  try {
    await reader.read(archive)
  } catch (error) {
    if (!(error instanceof LogError) || (error.code !== 'corrupted' && error.code !== 'invalid')) throw error
    const at = error.lsn === undefined ? {} : { from: error.lsn }
    return heads.map((head) => ({ head, state: 'departed', ...at, through: head.lsn, message: error.message }))
  }
  // A server that was set back has signed heads of two histories: beyond the first that departs, a match proves nothing.
  const firstDeparted = Math.min(...heads.filter((head) => reader.departs(head)).map(({ lsn }) => lsn))
  const matching = heads.filter(({ lsn, chain }) => lsn < firstDeparted && reader.values.get(lsn) === chain)
  const provenLsn = Math.max(0, ...matching.map(({ lsn }) => lsn))
  return heads.map((head) => reader.judge(head, provenLsn))
}

/** Reads the archive of one workspace, and keeps the chain values at some LSNs. */
class HeadReader {
  /** Values by LSN. */
  readonly values = new Map<number, string>()
  readonly #name: string
  readonly #wanted: ReadonlySet<number>
  #archived: ArchivedWorkspace | undefined
  #marks: readonly ChainMark[] = []
  #chain: Chain | undefined
  #digests: { readonly state: string; readonly annex: string } | undefined

  constructor(name: string, wanted: ReadonlySet<number>) {
    this.#name = name
    this.#wanted = wanted
  }

  async read(archive: AsyncIterable<Uint8Array>): Promise<void> {
    let isOurs = false
    for await (const item of readArchive(archive)) {
      if (item.kind === 'workspace') {
        isOurs = item.workspace.workspace === this.#name
        if (isOurs) this.#begin(item.workspace)
      } else if (isOurs && item.kind === 'snapshot') await this.#takeSnapshot(item.snapshot)
      else if (isOurs && item.kind === 'records') {
        for (const record of item.records) {
          const value = this.#chain?.take(record)
          if (value !== undefined && this.#wanted.has(record.lsn)) this.values.set(record.lsn, value)
        }
      }
    }
    if (this.#archived === undefined) throw new LogError('invalid', `there is no workspace ${this.#name}`)
  }

  departs({ lsn, chain }: SignedHead): boolean {
    return lsn > (this.#archived?.head ?? 0) || (this.values.get(lsn) ?? chain) !== chain
  }

  judge(head: SignedHead, provenLsn: number): HeadVerdict {
    const { lsn, chain, generation } = head
    const { firstLsn, head: last, generation: present } = this.#archived as ArchivedWorkspace
    const departed = (from: number, why: string): HeadVerdict => {
      return { head, state: 'departed', from: from as Lsn, through: lsn, message: `${this.#place(head)}: ${why}` }
    }
    if (lsn > last) return departed(last + 1, `the log ends at record ${last}`)
    const value = this.values.get(lsn)
    const known = new Set([present, ...this.#marks.flatMap((mark) => ('generation' in mark ? [mark.generation] : []))])
    if (lsn === 0 && !known.has(generation)) return departed(1, `the log is of another generation, ${present}`)
    if (value === undefined) {
      const message = `${this.#place(head)}: its records were dropped, and no chain value is kept for the last of them`
      return { head, state: 'unproven', message }
    }
    if (value !== chain) {
      const from = Math.max(provenLsn + 1, Math.min(firstLsn, lsn))
      return departed(from, `records ${from} to ${lsn} are not those that it was signed for`)
    }
    const told = generation === present ? '' : `; its generation is ${present} now, after a repair or an import`
    if (lsn < firstLsn && firstLsn > 1) {
      const message = `${this.#place(head)}: its records were dropped, and the value kept for the last of them is the head's${told}`
      return { head, state: 'attested', message }
    }
    return this.#judgeGround(head, told)
  }

  /** Judges a head whose records are left: the snapshot that stands for those before them has to be the one it covers, too. */
  #judgeGround(head: SignedHead, told: string): HeadVerdict {
    const { firstLsn } = this.#archived as ArchivedWorkspace
    const place = this.#place(head)
    const groundLsn = firstLsn - 1
    if (groundLsn === 0) return { head, state: 'contained', message: `${place}: the log has its history${told}` }
    const covering = this.#marks.find(
      (mark) => 'groundLsn' in mark && mark.groundLsn === groundLsn && mark.after < head.lsn,
    )
    if (covering === undefined || !('groundLsn' in covering)) {
      const message = `${place}: the log has its records from ${firstLsn} on${told}; those before were dropped since, and only a later head covers the snapshot that stands for them`
      return { head, state: 'attested', message }
    }
    if (covering.state === this.#digests?.state && covering.annex === this.#digests.annex) {
      const message = `${place}: the log has its records from ${firstLsn} on, and the snapshot that stands for those before${told}`
      return { head, state: 'contained', message }
    }
    const message = `${place}: the snapshot at ${groundLsn}, which stands for the dropped records, is not the one that it was signed for`
    return { head, state: 'departed', from: 1 as Lsn, through: groundLsn as Lsn, message }
  }

  #place({ workspace, lsn }: SignedHead): string {
    return `head of ${workspace} at ${lsn}`
  }

  #begin(archived: ArchivedWorkspace): void {
    const { origin, chain } = chainOfArchived(archived)
    this.#archived = archived
    this.#marks = origin.marks
    this.#chain = chain
    for (const [at, value] of archived.chain?.dropped ?? []) this.values.set(at, value)
    this.values.set(origin.lsn, origin.value)
  }

  async #takeSnapshot(snapshot: PackedSnapshot): Promise<void> {
    // The snapshot that stands for the dropped records has no base.
    if (snapshot.lsn !== (this.#archived?.firstLsn ?? 0) - 1 || snapshot.base !== undefined) return
    const state = await unpackState(snapshot, undefined)
    this.#digests = { state: sha256(state), annex: sha256(snapshot.annex) }
  }
}
