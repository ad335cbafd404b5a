import { blocksMap } from '@joinery/blocks'
import * as Y from 'yjs'
import { followDoc } from './follow-doc.ts'
import type { Workspace } from './workspace.ts'

/** One listener of a block. */
interface Follower {
  /** The part it listens to; undefined for the block's coming and going alone. */
  readonly part: string | undefined
  readonly call: () => void
}

/**
 * Calls `listener` when block `id` is created, deleted or replaced, and when its `part` (`content`, `fields`, ...) is edited or
 * replaced. Edits of other parts and other blocks do not call it. It stays when the document is replaced. Returns unsubscribe.
 */
export function followBlock(
  workspace: Workspace,
  id: string,
  part: string | undefined,
  listener: () => void,
): () => void {
  let followed = followedBlocks.get(workspace)
  if (followed === undefined) {
    followed = new FollowedBlocks(workspace)
    followedBlocks.set(workspace, followed)
  }
  return followed.add(id, { part, call: listener })
}

const followedBlocks = new WeakMap<Workspace, FollowedBlocks>()

/**
 * The blocks of one workspace that have listeners, with one observer for the map of blocks and one for each block. Not one for
 * each listener: to remove an observer, Yjs looks at all others, so that to leave a board of a thousand blocks took 250 ms.
 */
class FollowedBlocks {
  readonly #workspace: Workspace
  readonly #blocks = new Map<string, FollowedBlock>()
  #doc: Y.Doc | undefined
  #unfollow: (() => void) | undefined

  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  add(id: string, follower: Follower): () => void {
    this.#unfollow ??= followDoc(this.#workspace, (doc) => this.#attach(doc), this.#tellAll)
    let block = this.#blocks.get(id)
    if (block === undefined) {
      block = new FollowedBlock()
      block.attach(this.#mapOf(id))
      this.#blocks.set(id, block)
    }
    block.followers.add(follower)
    return () => this.#remove(id, follower)
  }

  #remove(id: string, follower: Follower): void {
    const block = this.#blocks.get(id)
    if (block?.followers.delete(follower) !== true || block.followers.size > 0) return
    block.attach(undefined)
    this.#blocks.delete(id)
    if (this.#blocks.size > 0) return
    this.#unfollow?.()
    this.#unfollow = undefined
  }

  #attach(doc: Y.Doc): () => void {
    this.#doc = doc
    const map = blocksMap(doc)
    for (const [id, block] of this.#blocks) block.attach(this.#mapOf(id))
    map.observe(this.#blocksOnChange)
    return () => {
      this.#doc = undefined
      map.unobserve(this.#blocksOnChange)
      for (const block of this.#blocks.values()) block.attach(undefined)
    }
  }

  readonly #blocksOnChange = (event: Y.YMapEvent<unknown>): void => {
    for (const id of event.keysChanged) {
      const block = this.#blocks.get(id)
      if (block === undefined) continue
      block.attach(this.#mapOf(id))
      block.tell(() => true)
    }
  }

  readonly #tellAll = (): void => {
    for (const block of [...this.#blocks.values()]) block.tell(() => true)
  }

  #mapOf(id: string): Y.Map<unknown> | undefined {
    const map = this.#doc && blocksMap(this.#doc).get(id)
    return map instanceof Y.Map ? map : undefined
  }
}

class FollowedBlock {
  readonly followers = new Set<Follower>()
  #map: Y.Map<unknown> | undefined

  /** Observes `map`, the block's present map; undefined when there is no such block. */
  attach(map: Y.Map<unknown> | undefined): void {
    if (map === this.#map) return
    this.#map?.unobserveDeep(this.#blockOnChange)
    map?.observeDeep(this.#blockOnChange)
    this.#map = map
  }

  tell(isConcerned: (follower: Follower) => boolean): void {
    for (const follower of [...this.followers]) {
      // A follower that was called before may have removed this one.
      if (this.followers.has(follower) && isConcerned(follower)) follower.call()
    }
  }

  readonly #blockOnChange = (events: Y.YEvent<Y.AbstractType<unknown>>[]): void => {
    const changed = new Set<unknown>()
    for (const event of events) {
      if (event instanceof Y.YMapEvent && event.target === this.#map)
        for (const key of event.keysChanged) changed.add(key)
      else changed.add(event.path[0])
    }
    this.tell(({ part }) => part !== undefined && changed.has(part))
  }
}
