/** Announcements remembered of one actor. A person has fewer tabs open, or left offline, at once. */
const IDS_PER_ACTOR_MAX = 256
/** Actors remembered, at most. With {@link IDS_PER_ACTOR_MAX}, this bounds the memory. */
const ACTORS_MAX = 10_000
/**
 * Time in which a tab that signs in as somebody else connects again, ms: the person types a name and a password, or the token
 * has expired and a page asks for the next.
 */
export const SIGN_IN_MS = 60_000

/** A connection that announces its client id. */
export interface Announcer {
  readonly actor: string
  /** The remote address; undefined where there is none. */
  readonly address: string | undefined
  /** True for the SDK, which takes a new document and id when its actor changes. */
  readonly isSdk: boolean
}

/** The other actors that have announced a client id, as they were when one more announced it. */
export interface Others {
  /** Actors with a connection that announced the id. */
  readonly open: readonly string[]
  /** Actors whose last such connection ended within {@link SIGN_IN_MS}, and came from the same address as the new one. */
  readonly justLeft: readonly string[]
  /** Actors for whom the SDK announced the id. */
  readonly bySdk: readonly string[]
}

/** A tab that is connected, or was a moment ago, as it is kept over a restart of the server. The SDK's are not: nobody shares their ids. */
export interface KeptTab {
  readonly workspace: string
  readonly client: number
  readonly actor: string
  /** The remote address. */
  readonly address: string
}

/** Tabs kept over a restart, at most: the last to connect. */
const KEPT_MAX = 10_000
/** Time between a change and its save, ms. A process that is killed forgets the tabs of this time. */
const SAVE_MS = 2_000

export interface AnnouncedIdsOptions {
  /** The tabs of an earlier run of the server. They count as gone since the start. */
  readonly known?: readonly KeptTab[]
  /** Keeps the tabs over a restart. Without it, they end with the process. */
  readonly save?: (tabs: readonly KeptTab[]) => Promise<void>
  /** Tells the other servers of the tabs of workspaces whose tabs have changed: all that each has. */
  readonly share?: (tabs: ReadonlyMap<string, readonly KeptTab[]>) => Promise<void>
  /** Told of a failed `save` or `share`: the next change tries again. */
  readonly onSaveFailed?: (error: unknown) => void
}

interface Announcement {
  open: number
  /** Where the last connection came from. */
  address: string | undefined
  isSdk: boolean
  /** The end of the last connection; `atMs` is of a monotonic clock. */
  left: { readonly address: string | undefined; readonly atMs: number } | undefined
}

interface AnnouncedId {
  /** The first actor to announce the id, and those that share it by now. */
  holders: readonly string[]
  readonly by: Map<string, Announcement>
}

/**
 * The client ids that connections announced as their documents' own. A person may type offline under an id before anything of it
 * reaches the server, so the server holds the id for its first announcer, also after the room has closed. An actor that
 * announces many ids makes the server forget only ids of its own. Of all this, only the tabs of stock clients outlive the process,
 * if `save` is given: one of them may sign in as somebody else while the server starts anew.
 */
export class AnnouncedIds {
  readonly #workspaces = new Map<string, Map<number, AnnouncedId>>()
  /** Each actor's announcements, the oldest first. The actor that was longest without one is first. */
  readonly #actors = new Map<string, Map<string, readonly [workspace: string, client: number]>>()

  readonly #options: AnnouncedIdsOptions
  /** Workspaces whose tabs the other servers do not know as they are. */
  readonly #unshared = new Set<string>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #saving: Promise<void> = Promise.resolve()

  constructor(options: AnnouncedIdsOptions = {}) {
    this.#options = options
    this.learn(options.known ?? [])
  }

  /** Takes tabs that were connected to another server, or to an earlier run of this one: they count as gone since now. */
  learn(tabs: readonly KeptTab[]): void {
    const nowMs = performance.now()
    for (const { workspace, client, ...rest } of tabs) {
      const announcer = { ...rest, isSdk: false }
      this.#note(workspace, client, announcer)
      this.#leave(workspace, client, announcer, nowMs)
      this.share(workspace, client, rest.actor)
    }
  }

  /** The actors for whom an id is held; none if nobody has announced it. */
  holdersOf(workspace: string, client: number): readonly string[] {
    return this.#workspaces.get(workspace)?.get(client)?.holders ?? []
  }

  /** Has an id held for one more actor. */
  share(workspace: string, client: number, actor: string): void {
    const id = this.#workspaces.get(workspace)?.get(client)
    if (id !== undefined && !id.holders.includes(actor)) id.holders = [...id.holders, actor]
  }

  /**
   * Notes that a connection has announced its id. `nowMs` is of a monotonic clock. Returns the other actors that have announced
   * the id; undefined when there are none.
   */
  enter(workspace: string, client: number, announcer: Announcer, nowMs: number): Others | undefined {
    const id = this.#note(workspace, client, announcer)
    this.#saveLater(workspace)
    return id.by.size === 1 ? undefined : othersOf(id, announcer, nowMs)
  }

  #note(workspace: string, client: number, { actor, address, isSdk }: Announcer): AnnouncedId {
    const ids = this.#workspaces.get(workspace) ?? new Map<number, AnnouncedId>()
    this.#workspaces.set(workspace, ids)
    const id = ids.get(client) ?? { holders: [actor], by: new Map() }
    ids.set(client, id)
    const own = id.by.get(actor) ?? { open: 0, address, isSdk: false, left: undefined }
    id.by.set(actor, own)
    own.open++
    own.address = address
    own.isSdk ||= isSdk
    this.#remember(workspace, client, actor)
    return id
  }

  /** Notes that a connection that had announced its id has ended. */
  leave(workspace: string, client: number, announcer: Announcer, nowMs: number): void {
    if (this.#leave(workspace, client, announcer, nowMs)) this.#saveLater(workspace)
  }

  #leave(workspace: string, client: number, { actor, address }: Announcer, nowMs: number): boolean {
    const own = this.#workspaces.get(workspace)?.get(client)?.by.get(actor)
    if (own === undefined) return false
    own.open--
    own.left = { address, atMs: nowMs }
    return true
  }

  /** Saves the tabs, for a server that closes. */
  async close(): Promise<void> {
    if (this.#timer !== undefined) this.#save()
    await this.#saving
  }

  #saveLater(workspace: string): void {
    const { save, share } = this.#options
    if (share !== undefined) this.#unshared.add(workspace)
    if (save !== undefined || share !== undefined) this.#timer ??= setTimeout(() => this.#save(), SAVE_MS).unref()
  }

  /** One save at a time: the last has everything. */
  #save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { save, share } = this.#options
    const changed = [...this.#unshared]
    this.#unshared.clear()
    this.#saving = this.#saving
      .then(async () => {
        const tabs = this.#tabs(performance.now())
        await save?.(tabs)
        const byWorkspace = Map.groupBy(tabs, ({ workspace }) => workspace)
        await share?.(new Map(changed.map((workspace) => [workspace, byWorkspace.get(workspace) ?? []])))
      })
      .catch((error: unknown) => this.#options.onSaveFailed?.(error))
  }

  /** The tabs that may still sign in as somebody else. */
  #tabs(nowMs: number): KeptTab[] {
    const tabs: KeptTab[] = []
    // The actor that announced last is last.
    for (const actor of [...this.#actors.keys()].reverse()) {
      for (const [workspace, client] of [...(this.#actors.get(actor)?.values() ?? [])].reverse()) {
        const by = this.#workspaces.get(workspace)?.get(client)?.by
        const own = by?.get(actor)
        if (by === undefined || own?.address === undefined || [...by.values()].some(({ isSdk }) => isSdk)) continue
        const isHere = own.open > 0 || nowMs - (own.left?.atMs ?? 0) <= SIGN_IN_MS
        if (isHere) tabs.push({ workspace, client, actor, address: own.address })
        if (tabs.length === KEPT_MAX) return tabs.reverse()
      }
    }
    return tabs.reverse()
  }

  #remember(workspace: string, client: number, actor: string): void {
    const ids = this.#actors.get(actor) ?? new Map<string, readonly [string, number]>()
    this.#actors.delete(actor)
    this.#actors.set(actor, ids)
    const key = `${client} ${workspace}`
    ids.delete(key)
    ids.set(key, [workspace, client])
    if (ids.size > IDS_PER_ACTOR_MAX) this.#forgetOldest(actor, ids)
    if (this.#actors.size <= ACTORS_MAX) return
    const [oldest] = this.#actors
    if (oldest === undefined) return
    while (oldest[1].size > 0) this.#forgetOldest(...oldest)
    this.#actors.delete(oldest[0])
  }

  #forgetOldest(actor: string, ids: Map<string, readonly [string, number]>): void {
    const [oldest] = ids
    if (oldest === undefined) return
    const [key, [workspace, client]] = oldest
    ids.delete(key)
    const known = this.#workspaces.get(workspace)
    const id = known?.get(client)
    if (known === undefined || id === undefined) return
    id.by.delete(actor)
    id.holders = id.holders.filter((holder) => holder !== actor)
    if (id.by.size === 0) known.delete(client)
    if (known.size === 0) this.#workspaces.delete(workspace)
  }
}

/**
 * Whether the announcer of an id may share it with its owners: a tab of one of them has just gone from the same address, none
 * of them has a connection with the id any more, and the tab was no SDK's.
 */
export function mayShare(others: Others, owners: readonly string[]): boolean {
  const isBusy = owners.some((owner) => others.open.includes(owner) || others.bySdk.includes(owner))
  return !isBusy && owners.some((owner) => others.justLeft.includes(owner))
}

function othersOf({ by }: AnnouncedId, { actor, address }: Announcer, nowMs: number): Others {
  const others = [...by].filter(([other]) => other !== actor)
  const those = (is: (announcement: Announcement) => boolean): string[] =>
    others.flatMap(([other, announcement]) => (is(announcement) ? [other] : []))
  return {
    open: those(({ open }) => open > 0),
    justLeft: those(
      ({ left }) => left?.address === address && address !== undefined && nowMs - (left?.atMs ?? 0) <= SIGN_IN_MS,
    ),
    bySdk: those(({ isSdk }) => isSdk),
  }
}
