import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { listBlocks } from '@joinery/blocks'
import { checkLogs, type Engine, openNatsEngine, type Position } from '@joinery/cluster'
import { historiesOf, readHistory } from '@joinery/cluster/testing'
import { encodePortableRecord, isSystemLog, type LogRecord, openLevelStore } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import * as Y from 'yjs'
import { within } from '../support/until.ts'
import { HistoryRules } from './history-rules.ts'
import { type NatsCluster, SERVERS } from './nats-cluster.ts'

/** Each look but these reads only what is new: one of so many compares everything with what was seen before. */
const WHOLE_EVERY = 8
/** Pause between two looks at the nodes' copies, ms. */
const LOOK_MS = 100

const NO_LSNS: ReadonlyMap<string, number> = new Map()

export interface LookOptions {
  readonly isWhole?: boolean
  readonly through?: ReadonlyMap<string, number>
}

/** One history, as it was read until now. */
interface Watched {
  readonly rules: HistoryRules
  /** Digest of each record, by LSN - 1. */
  readonly digests: string[]
  /** The document that its records make; empty for a system log, which has none. */
  readonly doc: Y.Doc
  position: Position | undefined
}

/** Watches the replicated histories: each LSN has one content for ever, none is missing, and epochs never fall. */
export class HistoryWatch {
  readonly #engine: Engine
  readonly #watched = new Map<string, Watched>()
  #looks = 0

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Reaches NATS past the proxies. */
  static async open(nats: NatsCluster): Promise<HistoryWatch> {
    const servers = SERVERS.map((server) => `nats://127.0.0.1:${nats.portOf(server)}`)
    return new HistoryWatch(await openNatsEngine({ servers, name: 'watch' }))
  }

  get engine(): Engine {
    return this.#engine
  }

  /**
   * Reads what the histories have beyond the last look, or all of it again if `isWhole`, which each eighth look is by itself. Rejects
   * when a record that was seen is another one or gone, or a message breaks a rule.
   *
   * @param through records that a history must have by now, by workspace: a leader of NATS that has just changed may give an older end
   */
  async look({ isWhole = ++this.#looks % WHOLE_EVERY === 0, through = NO_LSNS }: LookOptions = {}): Promise<void> {
    for (const workspace of await historiesOf(this.#engine.log)) {
      const seen = this.#watched.get(workspace)
      const now = isWhole || seen === undefined ? nothing(workspace) : seen
      await this.#readOn(workspace, now, through.get(workspace) ?? 0)
      if (seen !== undefined) compare(workspace, 'the history', seen.digests, now.digests)
      this.#watched.set(workspace, now)
    }
  }

  /** Throws if a record stands on another one, which the history does not have: such an edit is logged, and not acknowledged (S7). */
  assertWhole(workspace: string): void {
    const { pendingStructs, pendingDs } = this.#docOf(workspace).store
    if (pendingStructs === null && pendingDs === null) return
    throw new Error(`${workspace}: a record stands on another one, which the history does not have`)
  }

  /** How far a history goes, as of the last look, and whether records wait for others that it does not have. */
  stateOf(workspace: string): string {
    const { pendingStructs } = this.#docOf(workspace).store
    const end = this.#watched.get(workspace)?.digests.length ?? 0
    return `${end} records${pendingStructs === null ? '' : `, which wait for clients ${[...pendingStructs.missing.keys()]}`}`
  }

  /** All entries of a workspace that show, as of the last look: those of its list, and the contents of its blocks. */
  entriesOf(workspace: string): string[] {
    const doc = this.#docOf(workspace)
    return [...doc.getArray<string>('entries'), ...listBlocks(doc).map((block) => block.content.toString())]
  }

  /** Node that wrote last to a workspace, as of the last look. */
  ownerOf(workspace: string): string | undefined {
    return this.#watched.get(workspace)?.rules.writer
  }

  /** The content of a block, as of the last look; undefined if there is none. */
  contentOf(workspace: string, block: string): string | undefined {
    return listBlocks(this.#docOf(workspace))
      .find(({ id }) => id === block)
      ?.content.toString()
  }

  /** Resolves when each of these nodes says that its copy of each log is that of the history. Rejects if one says that it is not. */
  async untilEqual(nodes: readonly string[]): Promise<void> {
    let unequal: readonly string[] = []
    let looks = 0
    const told = (): string =>
      `all copies are equal to the histories; of ${looks} looks the last one saw: ${unequal.join('; ')}`
    const waited = async (): Promise<void> => {
      for (; looks === 0 || unequal.length > 0; looks++) {
        if (looks > 0) await delay(LOOK_MS)
        unequal = await this.#unequal(nodes)
      }
    }
    await within(told, waited())
  }

  /** The copies that lack something of their history, and how they stand to it. Rejects if one has something else. */
  async #unequal(nodes: readonly string[]): Promise<string[]> {
    const unequal: string[] = []
    for await (const { copies, ...history } of checkLogs(this.#engine, nodes, { digests: true })) {
      for (const copy of copies.filter(({ state }) => state !== 'equal')) {
        const told = `${JSON.stringify(copy)} of ${JSON.stringify(history)}`
        if (copy.state === 'diverged' || copy.state === 'unreadable') throw new Error(told)
        unequal.push(told)
      }
    }
    return unequal
  }

  /** Compares the logs in a stopped node's directory with the histories, record by record. Returns the number of records. */
  async compareNode(directory: string): Promise<number> {
    const store = await openLevelStore({ directory, durability: 'sync' })
    let count = 0
    try {
      for (const [workspace, { digests }] of this.#watched) {
        const log = await store.open(workspace as WorkspaceId)
        const found: string[] = []
        for await (const record of log.read()) found.push(digestOf(record))
        await log.close()
        compare(workspace, directory, digests, found)
        compare(workspace, 'the history', found, digests)
        count += found.length
      }
    } finally {
      await store.close()
    }
    return count
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  #docOf(workspace: string): Y.Doc {
    return this.#watched.get(workspace)?.doc ?? new Y.Doc()
  }

  async #readOn(workspace: string, watched: Watched, through: number): Promise<void> {
    const { rules, digests, doc, position: from } = watched
    const read = await readHistory(this.#engine.log, workspace, {
      ...(from && { from }),
      through,
      onMessage: rules.take,
    })
    for (const record of read.records) {
      digests.push(digestOf(record))
      if (!isSystemLog(workspace)) Y.applyUpdate(doc, record.update)
    }
    watched.position = read.position
  }
}

function nothing(workspace: string): Watched {
  return { rules: new HistoryRules(workspace), digests: [], doc: new Y.Doc(), position: undefined }
}

/** Throws unless all that was seen is there, and the same. */
function compare(workspace: string, where: string, seen: readonly string[], found: readonly string[]): void {
  const other = seen.findIndex((digest, index) => index < found.length && digest !== found[index])
  if (other >= 0) throw new Error(`${where}: record ${other + 1} of ${workspace} is another one`)
  if (found.length < seen.length) {
    throw new Error(`${where}: ${workspace} had ${seen.length} records and has ${found.length}`)
  }
}

function digestOf(record: LogRecord): string {
  return createHash('sha256').update(encodePortableRecord(record)).digest('base64')
}
