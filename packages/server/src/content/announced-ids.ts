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

interface Announcement {
  open: number
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
 * announces many ids makes the server forget only ids of its own. All of this is in memory: a start of the server forgets it.
 */
export class AnnouncedIds {
  readonly #workspaces = new Map<string, Map<number, AnnouncedId>>()
  /** Each actor's announcements, the oldest first. The actor that was longest without one is first. */
  readonly #actors = new Map<string, Map<string, readonly [workspace: string, client: number]>>()

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
    const ids = this.#workspaces.get(workspace) ?? new Map<number, AnnouncedId>()
    this.#workspaces.set(workspace, ids)
    const { actor } = announcer
    const id = ids.get(client) ?? { holders: [actor], by: new Map() }
    ids.set(client, id)
    const others =
      id.by.size === 0 || (id.by.size === 1 && id.by.has(actor)) ? undefined : othersOf(id, announcer, nowMs)
    const own = id.by.get(actor) ?? { open: 0, isSdk: false, left: undefined }
    id.by.set(actor, own)
    own.open++
    own.isSdk ||= announcer.isSdk
    this.#remember(workspace, client, actor)
    return others
  }

  /** Notes that a connection that had announced its id has ended. */
  leave(workspace: string, client: number, { actor, address }: Announcer, nowMs: number): void {
    const own = this.#workspaces.get(workspace)?.get(client)?.by.get(actor)
    if (own === undefined) return
    own.open--
    own.left = { address, atMs: nowMs }
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
