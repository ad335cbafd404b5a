import type { AdoptingLog, HistoryMark, LogCut, LogOrigin, LogRecord } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { LSN_MAX, type Lsn } from '../lsn.ts'
import { parseLsn } from '../parse-lsn.ts'
import { checkAdopted, checkCut } from '../records/bounds.ts'
import { decodeMark, encodeMark, type KeptMark } from '../records/history-mark.ts'
import { chainKeyRange, chainMarksKeyRange, idempotencyKey, markKey, recordKey } from '../records/key.ts'
import { encodeRecord } from '../records/record.ts'
import { encodeWorkspaceIdentity, type WorkspaceIdentity } from '../records/workspace-identity.ts'
import type { Put, Write } from '../records/write.ts'
import type { Desk } from './history-keeper.ts'
import { keepChainAt } from './keep-chain.ts'
import { LevelLog, type LevelLogHost } from './level-log.ts'
import { extentOf, readLogOrigin, writesOfOrigin } from './log-origin.ts'
import { readStoredRecords } from './stored-records.ts'

const NO_MARK: HistoryMark = { sequence: 0, epoch: 0, lsn: 0, chain: '0'.repeat(16), generation: undefined }

export interface AdoptingLogHost extends LevelLogHost {
  /** Forgets that the workspace has reached more than `lsn`. Returns the number of the first roll call that does not say so. */
  cutBack(number: number, lsn: Lsn): number
}

/** A log that takes records of a history which is kept elsewhere, and gives up own ones that it does not have. */
export class AdoptingLevelLog extends LevelLog implements AdoptingLog {
  declare protected readonly host: AdoptingLogHost
  /** As stored, once it was read. */
  #kept: KeptMark | undefined

  async readMark(): Promise<HistoryMark | undefined> {
    const { mark } = await this.#read()
    return mark.sequence === 0 ? undefined : mark
  }

  async readCut(): Promise<LogCut | undefined> {
    const { cut } = await this.#read()
    if (cut === undefined) return undefined
    const { rollCall: _, ...told } = cut
    return told
  }

  async readFloor(): Promise<Lsn> {
    return (await this.#read()).floor
  }

  async protect(): Promise<void> {
    this.assertOpen()
    const kept = { ...(await this.#read()), floor: this.head }
    this.assertOpen()
    this.#kept = kept
    const { number } = this
    if (number === undefined) return
    const group = this.host.group()
    this.place.lastGroup = group
    await group.add([encodeMark(number, kept)], { sync: true })
  }

  /** A log that is born after its takeover keeps that, so that its records are not taken for those of a single machine. */
  protected override beBorn(): WorkspaceIdentity {
    const identity = super.beBorn()
    if (this.#kept !== undefined) this.place.birth?.writes.push(encodeMark(identity.number, this.#kept))
    return identity
  }

  async readOrigin(): Promise<LogOrigin | undefined> {
    this.assertOpen()
    // Marks of the chain may be on their way to the disk.
    await this.place.lastGroup?.durable
    const { number, generation, workspace } = this
    if (number === undefined || generation === undefined) return undefined
    const moment = this.host.readable.pin()
    try {
      return await readLogOrigin({ workspace, number, moment }, generation, this.firstLsn)
    } finally {
      await moment.close()
    }
  }

  async adopt(records: readonly LogRecord[], mark: HistoryMark, origin?: LogOrigin): Promise<void> {
    this.assertOpen()
    checkAdopted(this, records, mark, origin)
    const begin = origin && (await this.#writeBeginning(mark, origin))
    const { cut, floor } = await this.#read()
    this.assertOpen()
    // Once more, since it was awaited.
    checkAdopted(this, records, mark, origin)
    const kept = { mark, cut, floor: Math.max(floor, mark.lsn) as Lsn }
    this.#kept = kept
    const identity = this.#identityOf(mark)
    // There is no number to keep the mark under.
    if (identity === undefined) return
    const { number } = identity
    const { observer } = this.host
    const group = this.host.group()
    if (begin !== undefined) group.writes.push(...begin)
    if (origin !== undefined && origin.lsn > 0) this.forgetKeeper(extentOf(origin))
    for (const { lsn, at, ...entry } of records) {
      const put = encodeRecord(number, lsn, at, entry)
      group.writes.push(put)
      if (entry.idempotencyKey !== undefined) this.keys.add(number, entry.idempotencyKey, lsn, group)
      observer.appended?.(entry.update.byteLength, put.value.byteLength)
      this.place.bytes += put.key.byteLength + put.value.byteLength
      this.place.head = lsn
      this.place.headAt = at
    }
    group.writes.push(encodeMark(number, kept))
    this.place.lastGroup = group
    await group.durable
  }

  /** Writes what is no log yet. Resolves with the writes that make it one, with the first record. */
  async #writeBeginning(mark: HistoryMark, origin: LogOrigin): Promise<Put[]> {
    const identity = this.#identityOf(mark)
    if (identity === undefined) return []
    const writes = await writesOfOrigin(identity.number, origin)
    for (const part of writes.before) {
      this.assertOpen()
      const group = this.host.group()
      group.writes.push(part)
      await group.durable
    }
    return writes.with
  }

  async truncate(lsn: Lsn): Promise<void> {
    this.assertOpen()
    const cutAt = parseLsn(lsn)
    if (cutAt === this.head) return
    const kept = await this.#read()
    // Waits for the writes that are cut off: one after them must not bring them back.
    await this.place.lastGroup?.durable
    await this.keeperNow()?.inTurn((desk) => this.#cut(desk, cutAt, kept))
  }

  async #cut(desk: Desk, lsn: Lsn, { mark, floor }: KeptMark): Promise<void> {
    const { number, workspace, extent } = desk
    const { head } = this
    checkCut(this, lsn, Math.max(floor, extent.sealedLsn))
    const chain = await keepChainAt(desk, head)
    const { writes, headAt } = await this.#removals(desk, lsn)
    if (this.head !== head) {
      throw new LogError('invalid', `records were appended to workspace ${workspace} while others were cut off`, {
        workspace,
      })
    }
    const rollCall = this.host.cutBack(number, lsn)
    const kept = { mark, floor, cut: { rollCall, lsn, head, chain, at: this.host.now() } }
    const written = desk.write([...writes, encodeMark(number, kept)], { needsSync: true })
    this.#kept = kept
    this.place.bytes *= (lsn - this.snapshotLsn) / Math.max(1, head - this.snapshotLsn)
    this.place.head = lsn
    this.place.headAt = headAt
    await written
  }

  /** The writes that remove all that belongs to the records after `lsn`, and the time of the record at `lsn`. */
  async #removals({ number, workspace, host }: Desk, lsn: Lsn): Promise<{ writes: Write[]; headAt: number }> {
    const writes: Write[] = []
    const moment = host.disk.pin()
    try {
      let headAt = this.place.identity?.createdAt ?? 0
      const first = Math.max(lsn, this.firstLsn)
      for await (const record of readStoredRecords({ workspace, number, moment }, first, this.head)) {
        if (record.lsn === lsn) {
          headAt = record.at
          continue
        }
        writes.push({ type: 'del', key: recordKey(number, record.lsn) })
        if (record.idempotencyKey === undefined) continue
        writes.push({ type: 'del', key: idempotencyKey(number, record.idempotencyKey) })
      }
      for (const range of [chainKeyRange(number, lsn + 1, LSN_MAX), chainMarksKeyRange(number, lsn + 1, LSN_MAX)]) {
        for await (const [key] of moment.entries(range)) writes.push({ type: 'del', key })
      }
      return { writes, headAt }
    } finally {
      await moment.close()
    }
  }

  /** The identity under which records of the history are kept, which is written if it is new; undefined for none. */
  #identityOf({ generation }: HistoryMark): WorkspaceIdentity | undefined {
    const { identity } = this.place
    if (generation === undefined || identity?.generation === generation) return identity
    const { number = this.host.takeWorkspaceNumber(), createdAt = this.host.now() } = identity ?? {}
    const adopted = { number, generation, createdAt }
    this.place.birth = this.host.group()
    this.place.birth.writes.push(...encodeWorkspaceIdentity(this.workspace, adopted))
    this.place.identity = adopted
    this.forgetKeeper()
    return adopted
  }

  async #read(): Promise<KeptMark> {
    if (this.#kept !== undefined) return this.#kept
    const { number } = this
    const key = markKey(number ?? 0)
    const value = number === undefined ? undefined : await this.host.readable.get(key)
    this.#kept ??= value && decodeMark(key, value)
    // It is not kept: the floor of a log without a mark goes up with its head.
    return this.#kept ?? { mark: NO_MARK, cut: undefined, floor: this.head }
  }
}
