import type { Workspace } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useCallback, useSyncExternalStore } from 'react'
import { type RemoteCaret, readCaret } from './caret.ts'

const NOBODY: readonly RemoteCaret[] = []

/** Carets of other people in block `id`. Renders again when one of these moves, not for carets in other blocks. */
export function useRemoteCarets(id: string): readonly RemoteCaret[] {
  const workspace = useWorkspace()
  const { others } = workspace.presence
  const subscribe = useCallback((listener: () => void) => others.subscribe(listener), [others])
  return useSyncExternalStore(subscribe, () => caretsByBlock(workspace).get(id) ?? NOBODY)
}

interface Known {
  readonly peers: unknown
  readonly byBlock: ReadonlyMap<string, readonly RemoteCaret[]>
}
const known = new WeakMap<Workspace, Known>()

/** Groups carets by block, once for all blocks. A block's list stays the same object while its carets are equal. */
function caretsByBlock(workspace: Workspace): ReadonlyMap<string, readonly RemoteCaret[]> {
  const peers = workspace.presence.others.get()
  const last = known.get(workspace)
  if (last?.peers === peers) return last.byBlock
  const byBlock = new Map<string, readonly RemoteCaret[]>()
  for (const { clientId, state } of peers) {
    const caret = readCaret(clientId, state)
    if (caret !== undefined) byBlock.set(caret.caret.block, [...(byBlock.get(caret.caret.block) ?? []), caret])
  }
  for (const [id, carets] of byBlock) {
    const before = last?.byBlock.get(id)
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(carets)) byBlock.set(id, before)
  }
  known.set(workspace, { peers, byBlock })
  return byBlock
}
