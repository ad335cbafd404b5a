import { randomUUID } from 'node:crypto'
import { appendBehind, type Desk, lastOf, pause, type ReadingDesk, untilAnswered } from './append-message.ts'
import { type Facts, factsOf, isDeletion } from './message.ts'
import { positionOf } from './position.ts'

/** Looks at the end of a history that a copy calls deleted, before it counts as not deleted: a replica may lag. */
const LOOKS_MAX = 20

/**
 * Begins the purge of a deleted workspace, which nothing takes back from then on. Resolves with the generation that is purged, once a quorum
 * knows; with `purged` if nothing was written since a purge, and with `alive` if the workspace is not deleted. Rejects with `unsupported`, and
 * writes nothing, where a living node could not read of its end.
 *
 * @param isKnownDeleted true if this node's copy is deleted
 */
export async function beginPurge(
  desk: Desk,
  isKnownDeleted: boolean,
): Promise<{ readonly generation: string | undefined } | 'purged' | 'alive'> {
  for (let looks = 1; ; looks++) {
    const last = await lastOf(desk)
    const { kind, generation } = last === undefined ? {} : factsOf(desk.workspace, last)
    if (isDeletion(kind)) desk.assertReadable('purge')
    if (kind === 'purging') return { generation }
    if (last !== undefined && kind === 'tombstone') {
      if ((await appendBehind(desk, positionOf(desk.workspace, last), 'purging', bodyOf())) !== undefined)
        return { generation }
    } else if (!isKnownDeleted || looks === LOOKS_MAX) return kind === 'purge' ? 'purged' : 'alive'
    await pause(desk)
  }
}

/**
 * Ends the history of a log whose last message is one of those to purge: the next owner begins another history, from LSN 1 on and with
 * another generation. Resolves once a quorum knows. Does nothing if another one has begun by now, or nothing was ever written. The messages
 * before it are still there: {@link removePurged} removes them.
 *
 * @param isKnown true if this node has a copy of it, so that the engine can't have nothing
 */
export async function endHistory(desk: Desk, isOurs: (last: Facts) => boolean, isKnown = true): Promise<void> {
  for (let looks = 1; ; looks++) {
    const last = await lastOf(desk)
    if (last !== undefined) {
      const facts = factsOf(desk.workspace, last)
      if (facts.kind === 'purge' || !isOurs(facts)) return
      if ((await appendBehind(desk, positionOf(desk.workspace, last), 'purge', bodyOf())) !== undefined) return
    } else if (!isKnown || looks === LOOKS_MAX) return
    await pause(desk)
  }
}

/** Removes what stands before the last purge of a history. Resolves with false if it shows no purge. */
export async function removePurged(desk: ReadingDesk): Promise<boolean> {
  const last = await lastOf(desk)
  if (last === undefined || factsOf(desk.workspace, last).kind !== 'purge') return false
  await untilAnswered(desk, () => desk.log.removeBefore(desk.subject, last.sequence))
  return true
}

/** No purge is like another. */
function bodyOf(): Uint8Array {
  return Buffer.from(randomUUID())
}
