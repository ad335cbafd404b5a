import type { HistoryRecord, RecordFilter, RecordSource } from './history-record.ts'
import { type Observable, ObservableValue } from './observable-value.ts'
import type { Workspace } from './workspace.ts'

export interface HistoryPagesState {
  /** Newest first. A record that is read stays the same object. */
  readonly records: readonly HistoryRecord[]
  /** Whether there may be older ones. */
  readonly hasMore: boolean
  readonly isLoading: boolean
  /** Why the last request got no answer; undefined again with the next that does. */
  readonly error: Error | undefined
}

/** Records of one page: what a person scrolls through in one go. */
const PAGE_RECORDS = 100
/** The most that the server looks at for one request. */
const WINDOW_RECORDS_MAX = 10_000
/** More than this are never on their way to the disk at once: records of one fsync's time. A guess. */
const UNTOLD_RECORDS_MAX = 1_000
/** How soon the list follows what is written, ms: a person who types makes one request of it, not forty. */
const FOLLOW_MS = 500

/**
 * The records of a workspace, newest first. It reads the newest page when somebody begins to listen, older ones at `more()`,
 * and follows what is written until nobody listens any more; what is read is kept.
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
  /** What is read: LSNs above `after`, up to `through`. Undefined before the first answer. */
  #read: { readonly after: number; readonly through: number } | undefined
  #wantsOlder = false
  #wantsNewer = false
  #reading: AbortController | undefined

  /** `source` is asked; one page has `pageRecords`, 1 to 1,000. */
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

  /** Reads one page more of what is older, or tries again what failed. No effect while nobody listens. */
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
    // Others' edits are in the document first; one's own are in the log once they are saved.
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

  /** The workspace is another one now, with another log. */
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
      // What was wanted by somebody who was told that it is all read.
      if (this.#wantsNewer || this.#wantsOlder) this.#start()
    })
  }

  /** One request after the other until nothing is wanted. Never rejects. */
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
      // Whoever aborted has put the state right, or will when it is listened to again.
      if (signal.aborted) return
      this.#wantsNewer = false
      this.#wantsOlder = false
      this.#set({ isLoading: false, error: error as Error })
    }
  }

  async #readFirst(signal: AbortSignal): Promise<void> {
    const head = await this.#source.head({ signal })
    signal.throwIfAborted()
    this.#wantsNewer = false
    await this.#readOlder(head, signal)
  }

  async #readNewer(through: number, signal: AbortSignal): Promise<void> {
    // Before the answer: what is written meanwhile is wanted anew.
    this.#wantsNewer = false
    const head = this.#isFiltered ? await this.#source.head({ signal }) : 0
    const newer = await this.#recordsBetween(through, Number.POSITIVE_INFINITY, signal)
    this.#read = { after: this.#read?.after ?? 0, through: Math.max(through, this.#lastLookedAt(newer, head)) }
    if (newer.length > 0) this.#set({ records: [...newer.reverse(), ...this.get().records] })
  }

  /** Reads what is at or before `end`, further and further back until something passes the filter. */
  async #readOlder(end: number, signal: AbortSignal): Promise<void> {
    let found: HistoryRecord[] = []
    let after = end
    for (let window = this.#pageRecords; found.length === 0 && after > 0; window *= 2) {
      const before = after
      after = Math.max(0, before - Math.min(window, WINDOW_RECORDS_MAX))
      found = await this.#recordsBetween(after, before, signal)
      // Without a filter a window has a record for each LSN: if it has not, older ones are not kept.
      if (!this.#isFiltered && found[0]?.lsn !== after + 1) after = 0
    }
    this.#wantsOlder = false
    this.#read = { after, through: this.#read?.through ?? this.#lastLookedAt(found, end) }
    const records = found.length === 0 ? this.get().records : [...this.get().records, ...found.reverse()]
    this.#set({ records, hasMore: after > 0 })
  }

  /**
   * Up to where nothing more can come, when `records` were found up to `head`. Not `head` itself: what is not durable yet is
   * not told yet. Through a filter it may be far behind the head, and would be looked at again with every edit.
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
      signal.throwIfAborted()
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
