import { throwIfAborted } from './abort.ts'
import type { HistoryRecord, RecordFilter, RecordSource } from './history-record.ts'
import { type Observable, ObservableValue } from './observable-value.ts'
import type { Workspace } from './workspace.ts'

export interface HistoryPagesState {
  /** Newest first. The object of a record never changes. */
  readonly records: readonly HistoryRecord[]
  /** Whether there may be older records. */
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** Error of the last request; undefined if it succeeded. */
  readonly error: Error | undefined
}

/** Records of one page: as many as a person scrolls through at once. Guessed. */
const PAGE_RECORDS = 100
/** Most records that the server scans for one request. */
const WINDOW_RECORDS_MAX = 10_000
/** Upper bound of records written but not durable yet: those of one fsync's time. Guessed. */
const UNTOLD_RECORDS_MAX = 1_000
/** Delay between a new record and the request for it: a person who types causes one request, not forty. */
const FOLLOW_MS = 500

/**
 * The records of a workspace, newest first. The first listener makes it read the newest page; `more()` reads older pages. While
 * it has listeners, it adds new records. Records that were read are kept.
 */
export class HistoryPages implements Observable<HistoryPagesState> {
  readonly #workspace: Workspace
  readonly #source: RecordSource
  readonly #filter: RecordFilter
  readonly #pageRecords: number
  readonly #state = new ObservableValue<HistoryPagesState>(NOTHING_YET)
  #listeners = 0
  #stop: (() => void) | undefined
  readonly #isFiltered: boolean
  /** Range of LSNs that was read: above `after`, up to `through`. Undefined before the first answer. */
  #read: { readonly after: number; readonly through: number } | undefined
  #wantsOlder = false
  #wantsNewer = false
  #reading: AbortController | undefined

  /** Reads from `source`, `pageRecords` (1 to 1,000) records a page. */
  constructor(workspace: Workspace, source: RecordSource, filter: RecordFilter, pageRecords = PAGE_RECORDS) {
    this.#workspace = workspace
    this.#source = source
    this.#filter = filter
    this.#isFiltered = Object.values(filter).some((value) => value !== undefined)
    this.#pageRecords = pageRecords
  }

  readonly get = (): HistoryPagesState => this.#state.get()

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#state.subscribe(listener)
    if (this.#listeners++ === 0) this.#stop = this.#follow()
    let isListening = true
    return () => {
      unsubscribe()
      if (!isListening) return
      isListening = false
      if (--this.#listeners === 0) this.#stop?.()
    }
  }

  /** Reads the next older page, or repeats the request that failed. No effect without listeners. */
  readonly more = (): void => {
    this.#wantsOlder = true
    if (this.get().error !== undefined) this.#wantsNewer = true
    this.#start()
  }

  #follow(): () => void {
    const { saveStatus } = this.#workspace
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = (): void => {
      timer = undefined
      this.#wantsNewer = true
      this.#start()
    }
    const onChange = (): void => {
      timer ??= setTimeout(look, FOLLOW_MS)
    }
    let { doc } = this.#workspace
    doc.on('update', onChange)
    // An edit of others is in the document before its record can be read. The record of an own edit exists once it is saved.
    const unsubscribe = saveStatus.subscribe(onChange)
    const stopResets = this.#workspace.onReset(({ cause }) => {
      doc.off('update', onChange)
      doc = this.#workspace.doc
      doc.on('update', onChange)
      if (cause === 'generation_changed') this.#forget()
      look()
    })
    look()
    return () => {
      clearTimeout(timer)
      doc.off('update', onChange)
      unsubscribe()
      stopResets()
      this.#reading?.abort()
      this.#reading = undefined
    }
  }

  /** Drops all records: the workspace is another one now, with another log. */
  #forget(): void {
    this.#reading?.abort()
    this.#reading = undefined
    this.#read = undefined
    this.#state.set(NOTHING_YET)
  }

  #start(): void {
    if (this.#reading !== undefined || this.#listeners === 0) return
    const reading = new AbortController()
    this.#reading = reading
    void this.#readWanted(reading.signal).finally(() => {
      if (this.#reading !== reading) return
      this.#reading = undefined
      // A listener may have asked for more when it heard that reading was over.
      if (this.#wantsNewer || this.#wantsOlder) this.#start()
    })
  }

  /** Makes one request after the other until all wanted records are read. Never rejects. */
  async #readWanted(signal: AbortSignal): Promise<void> {
    try {
      while (this.#wantsNewer || this.#wantsOlder) {
        this.#set({ isLoading: true })
        if (this.#read === undefined) await this.#readFirst(signal)
        else if (this.#wantsNewer) await this.#readNewer(this.#read.through, signal)
        else await this.#readOlder(this.#read.after, signal)
      }
      this.#set({ isLoading: false, error: undefined })
    } catch (error) {
      // The caller that aborted has set the state, or the next first listener will.
      if (signal.aborted) return
      this.#wantsNewer = false
      this.#wantsOlder = false
      this.#set({ isLoading: false, error: error as Error })
    }
  }

  async #readFirst(signal: AbortSignal): Promise<void> {
    const head = await this.#source.head({ signal })
    throwIfAborted(signal)
    this.#wantsNewer = false
    await this.#readOlder(head, signal)
  }

  async #readNewer(through: number, signal: AbortSignal): Promise<void> {
    // Reset before the request: records written meanwhile need another one.
    this.#wantsNewer = false
    const head = this.#isFiltered ? await this.#source.head({ signal }) : 0
    const newer = await this.#recordsBetween(through, Number.POSITIVE_INFINITY, signal)
    this.#read = { after: this.#read?.after ?? 0, through: Math.max(through, this.#lastLookedAt(newer, head)) }
    if (newer.length > 0) this.#set({ records: [...newer.reverse(), ...this.get().records] })
  }

  /** Reads records at or before `end`, further and further back until one passes the filter. */
  async #readOlder(end: number, signal: AbortSignal): Promise<void> {
    let found: HistoryRecord[] = []
    let after = end
    for (let window = this.#pageRecords; found.length === 0 && after > 0; window *= 2) {
      const before = after
      after = Math.max(0, before - Math.min(window, WINDOW_RECORDS_MAX))
      found = await this.#recordsBetween(after, before, signal)
      // Without a filter a window has a record for each LSN. If records are missing, the server no longer keeps older ones.
      if (!this.#isFiltered && found[0]?.lsn !== after + 1) after = 0
    }
    this.#wantsOlder = false
    this.#read = { after, through: this.#read?.through ?? this.#lastLookedAt(found, end) }
    const records = found.length === 0 ? this.get().records : [...this.get().records, ...found.reverse()]
    this.#set({ records, hasMore: after > 0 })
  }

  /**
   * The LSN up to which no further record can appear, given that `records` were found up to `head`. Not `head` itself: records
   * that are not durable yet are not returned yet. With a filter the last record found may be far behind `head`; to start
   * there would scan the same records again after every edit.
   */
  #lastLookedAt(records: readonly HistoryRecord[], head: number): number {
    const last = records.at(-1)?.lsn ?? 0
    return this.#isFiltered ? Math.max(last, head - UNTOLD_RECORDS_MAX) : last
  }

  /** The records after `after` up to `through`, oldest first. */
  async #recordsBetween(after: number, through: number, signal: AbortSignal): Promise<HistoryRecord[]> {
    const records: HistoryRecord[] = []
    let next: number | undefined = after
    while (next !== undefined && next < through) {
      const limit = Math.min(this.#pageRecords, through - next)
      const page = await this.#source.records({ ...this.#filter, after: next, limit, signal })
      throwIfAborted(signal)
      records.push(...page.records.filter(({ lsn }) => lsn <= through))
      next = page.next
    }
    return records
  }

  #set(changes: Partial<HistoryPagesState>): void {
    this.#state.set({ ...this.get(), ...changes })
  }
}

const NOTHING_YET: HistoryPagesState = { records: [], hasMore: false, isLoading: true, error: undefined }
