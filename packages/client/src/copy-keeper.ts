import * as Y from 'yjs'
import { backOffDelayMs } from './back-off.ts'
import { ClientError } from './client-error.ts'
import type { KeptCopies, SettingAside } from './kept-copies.ts'
import { LocalCopy, type LocalCopyEvents, type OpenedCopy } from './local-copy.ts'
import { withinPatience } from './patience.ts'

/** Events that a {@link CopyKeeper} reports to its replica, and what it asks it. */
export interface CopyKeeperEvents {
  /** `isKept` may have changed. */
  changed(): void
  /** The local copy fails; told once until it works again. */
  failed(error: ClientError): void
  /** The copy can't be read, and the document may hold a part of it. */
  unreadable(error: ClientError): void
  /** Whether records of this generation may meet the document. */
  accepts(generation: string | undefined): boolean
  /** The copy has brought this update into the document. `isNoted`: a note says that a server had all of the document. */
  loaded(update: Uint8Array, isNoted: boolean): void
  /** The generation of the document; undefined before a server has told it. */
  generation(): string | undefined
  /** The actor who writes the document, as a server named it; undefined before that. */
  actor(): string | undefined
  /** The actor whose copy to look for, as far as anybody can tell. */
  expectedActor(): string | undefined
  /** The copy that is about to be loaded holds edits by `actor`. */
  owned(actor: string): void
  /** The copy turned out to hold edits by somebody else. */
  notOurs(): void
}

type KeeperState =
  | { readonly state: 'opening' }
  | { readonly state: 'open'; readonly copy: LocalCopy }
  | { readonly state: 'waiting'; readonly timer: ReturnType<typeof setTimeout> }
  /** The replica has been closed; an attempt under way still stores what it lacks. */
  | { readonly state: 'closing' }
  /** Nothing is stored any more. */
  | { readonly state: 'closed' }

/**
 * Keeps a document in a local copy, whatever IndexedDB does. A copy that does not open, or that the browser closes or deletes,
 * is opened again, after a while, and gets everything that it lacks. Nothing waits for it for longer than 3 s.
 */
export class CopyKeeper {
  /** Resolves when the copy is in the document, or has failed, or takes too long. Never rejects. */
  readonly whenLoaded: Promise<void>
  readonly #copies: KeptCopies
  readonly #doc: Y.Doc
  readonly #events: CopyKeeperEvents
  #settingAside: SettingAside | undefined
  #state: KeeperState = { state: 'opening' }
  #attempt: Promise<void>
  #name: string | undefined
  /** Attempts that failed since the last that stored something. */
  #failures = 0
  #hasTold = false
  /** The document has edits that no open copy was given. */
  #isBehind = false

  /** `settingAside` is taken out of use before a copy is opened. */
  constructor(copies: KeptCopies, doc: Y.Doc, settingAside: SettingAside | undefined, events: CopyKeeperEvents) {
    this.#copies = copies
    this.#doc = doc
    this.#settingAside = settingAside
    this.#events = events
    this.#attempt = this.#open()
    this.whenLoaded = withinPatience(this.#attempt).catch((error) => this.#tell(error))
  }

  /** Name of the copy in use; undefined before there was one. */
  get name(): string | undefined {
    return this.#name
  }

  /** Whether everything in the document is stored. */
  get isKept(): boolean {
    return this.#state.state === 'open' && this.#state.copy.isKept
  }

  /** Stores one Yjs V1 update of the document. */
  add(update: Uint8Array): void {
    if (this.#state.state === 'open') this.#state.copy.add(update)
    else this.#isBehind = true
  }

  setGeneration(generation: string): void {
    // A copy that opens later asks for it.
    if (this.#state.state === 'open') this.#state.copy.setGeneration(generation)
  }

  /** Notes in the copy that the server has this state of the document in full. Does nothing while no copy is open. */
  noteSaved(state: string): void {
    if (this.#state.state === 'open') this.#state.copy.noteSaved(state)
  }

  /** The server has named the actor: the copy is theirs from now on. */
  async claim(actor: string): Promise<void> {
    const name = this.#name
    if (this.#state.state !== 'open' || name === undefined) return
    try {
      const catalog = await withinPatience(this.#copies.catalog())
      if (!(await withinPatience(catalog.claim(name, actor)))) this.#events.notOurs()
    } catch (error) {
      this.#tell(error)
    }
  }

  /** The generation that the copy has now: another tab may have stored it. Undefined if it can't be read. */
  async generation(): Promise<string | undefined> {
    if (this.#state.state !== 'open') return undefined
    const { copy } = this.#state
    try {
      return await withinPatience(copy.generation())
    } catch (error) {
      this.#lost(copy, error)
      return undefined
    }
  }

  /**
   * Stores what is queued and closes the copy; gives up after 3 s. Never rejects. With `isAbandoned`, a copy that has not opened
   * yet gets nothing of the document.
   */
  async close(isAbandoned: boolean): Promise<void> {
    const before = this.#state
    this.#state = { state: isAbandoned ? 'closed' : 'closing' }
    if (before.state === 'waiting') clearTimeout(before.timer)
    const closing = before.state === 'open' ? before.copy.close() : this.#attempt
    await withinPatience(closing).catch(() => undefined)
  }

  get #isOver(): boolean {
    return this.#state.state === 'closing' || this.#state.state === 'closed'
  }

  /** One attempt. Never rejects; another one begins only after it has settled, however late. */
  async #open(): Promise<void> {
    try {
      const catalog = await this.#copies.catalog()
      if (this.#settingAside !== undefined) {
        const { name, cause } = this.#settingAside
        await catalog.setAside(name, cause)
        this.#settingAside = undefined
      }
      if (this.#state.state === 'closed') return
      const { name, actor } = await catalog.use(this.#events.expectedActor())
      this.#name = name
      if (actor !== undefined && this.#events.actor() === undefined) this.#events.owned(actor)
      // A server may name somebody else while the copy takes its time to open.
      const isOurs = (): boolean => [undefined, actor].includes(this.#events.actor()) || actor === undefined
      let copy: LocalCopy | undefined
      const events: LocalCopyEvents = {
        changed: () => copy !== undefined && this.#onChange(copy),
        lost: () => copy !== undefined && this.#lost(copy, 'the browser closed it'),
        accepts: (generation) => isOurs() && this.#state.state !== 'closed' && this.#events.accepts(generation),
        loaded: (update, isNoted) => this.#events.loaded(update, isNoted),
      }
      const opened = await LocalCopy.open(name, this.#doc, events)
      if (opened.state === 'open') copy = opened.copy
      if (opened.state === 'foreign' && !isOurs() && !this.#isOver) return await this.#open()
      await this.#opened(name, opened)
    } catch (error) {
      this.#retry(error)
    }
  }

  async #opened(name: string, opened: OpenedCopy): Promise<void> {
    if (this.#isOver) return this.#openedLate(opened)
    switch (opened.state) {
      case 'foreign':
        this.#settingAside = { name, cause: { cause: 'generation_changed', generation: undefined } }
        return this.#open()
      case 'unreadable':
        if (opened.isDocSpoilt) return this.#events.unreadable(opened.error)
        this.#settingAside = { name, cause: { cause: 'unreadable', reason: opened.error.message } }
        this.#tell(opened.error)
        return this.#open()
      case 'open': {
        const { copy } = opened
        this.#state = { state: 'open', copy }
        this.#fill(opened)
        const actor = this.#events.actor()
        if (actor !== undefined) void this.claim(actor)
        this.#onChange(copy)
      }
    }
  }

  /** The replica was closed first. */
  async #openedLate(opened: OpenedCopy): Promise<void> {
    if (opened.state !== 'open') return
    if (this.#state.state === 'closing') this.#fill(opened)
    await opened.copy.close()
  }

  /** Stores what the copy lacks of the document. */
  #fill({ copy, generation, updates }: Extract<OpenedCopy, { state: 'open' }>): void {
    const current = this.#events.generation()
    if (current !== undefined && current !== generation) copy.setGeneration(current)
    if (!this.#isBehind) return
    this.#isBehind = false
    const has = updates.length === 0 ? undefined : Y.encodeStateVectorFromUpdate(Y.mergeUpdates([...updates]))
    copy.add(Y.encodeStateAsUpdate(this.#doc, has))
  }

  #onChange(copy: LocalCopy): void {
    if (copy.error !== undefined) this.#tell(copy.error)
    if (copy.isKept) {
      this.#failures = 0
      this.#hasTold = false
    }
    this.#events.changed()
  }

  /** The copy is of no more use: opens another one, and stores there all that it lacks. */
  #lost(copy: LocalCopy, reason: unknown): void {
    if (this.#state.state !== 'open' || this.#state.copy !== copy) return
    this.#isBehind = true
    void copy.close()
    this.#retry(copy.error ?? reason)
  }

  #retry(reason: unknown): void {
    if (this.#isOver) return
    this.#failures += 1
    const again = (): void => {
      this.#state = { state: 'opening' }
      this.#attempt = this.#open()
    }
    const timer = setTimeout(again, backOffDelayMs(this.#failures, Math.random()))
    this.#state = { state: 'waiting', timer }
    this.#tell(reason)
    this.#events.changed()
  }

  #tell(reason: unknown): void {
    if (this.#hasTold || this.#isOver) return
    this.#hasTold = true
    const isTold = reason instanceof ClientError
    const message = `edits are not kept on this device: the local copy failed (${reason})`
    this.#events.failed(isTold ? reason : new ClientError('local_copy_failed', message, { cause: reason }))
  }
}
