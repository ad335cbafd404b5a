import type { WorkspaceId } from '@joinery/protocol'
import { describe, expect, it } from 'vitest'
import type { Ownership } from '../content/ownership.ts'

/** Two processes that may own the same workspaces; `other` and `give` are undefined where there is only one. */
export interface OwnershipScene {
  readonly mine: Ownership
  readonly other: Ownership | undefined
  /** Gives the workspace to the other process, also when it is held. */
  readonly give: ((workspace: WorkspaceId) => Promise<void>) | undefined
}

const W = 'w' as WorkspaceId

/** Tests that every implementation of {@link Ownership} must pass. `open` returns a fresh one without claims. */
export function describeOwnership(name: string, open: () => Promise<OwnershipScene>): void {
  describe(`ownership: ${name}`, () => {
    const held = async (ownership: Ownership | undefined) => {
      const claim = await ownership?.claim(W)
      if (claim === undefined || !('held' in claim)) throw new Error(`not held: ${JSON.stringify(claim)}`)
      return claim.held
    }

    it('[S90] a process that claims a workspace that nobody holds gets the hold', async () => {
      const { mine } = await open()
      const hold = await held(mine)
      expect(hold.lost?.aborted ?? false).toBe(false)
      expect(hold.token).toBeGreaterThan(0)
    })

    it('[S90] a workspace is claimed again after it was released, and its token does not shrink', async () => {
      const { mine } = await open()
      const first = await held(mine)
      await first.release()
      await first.release()
      const second = await held(mine)
      expect(second.token).toBeGreaterThanOrEqual(first.token)
    })

    it('[S90] a process that does not own a workspace gets the owner’s address, and the owner keeps the workspace', async () => {
      const { mine, other } = await open()
      if (other === undefined) return expect(await open()).toMatchObject({ other: undefined, give: undefined })
      const hold = await held(mine)
      expect(await other.claim(W)).toMatchObject({ at: expect.any(String) })
      expect(hold.lost?.aborted).toBe(false)
    })

    it('[S91] a hold that is lost aborts, the next has a greater token, and the old process gets the owner’s address', async () => {
      const { mine, other, give } = await open()
      if (give === undefined) return expect((await held(mine)).lost).toBeUndefined()
      const before = await held(mine)
      await give(W)
      await new Promise<void>((resolve) => {
        if (before.lost?.aborted) resolve()
        else before.lost?.addEventListener('abort', () => resolve())
      })
      const after = await held(other)
      expect(after.token).toBeGreaterThan(before.token)
      expect(await mine.claim(W)).toMatchObject({ at: expect.any(String) })
      await before.release()
      expect(after.lost?.aborted).toBe(false)
    })
  })
}
