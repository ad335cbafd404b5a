import { useUndo, useWorkspace } from '@joinery/react'
import type { MouseEvent, ReactNode } from 'react'
import { flushSync } from 'react-dom'
import { addBlock, KINDS, type Kind } from './add-block.ts'
import { useCanWrite } from './keys/use-can-write.ts'
import { openBlock } from './panels/open-block.ts'
import { takeBack } from './undo/take-back.ts'

interface ToolsProps {
  readonly actor: string
  readonly children: ReactNode
}

/** Buttons for the whole board. */
export function Tools({ actor, children }: ToolsProps): ReactNode {
  const workspace = useWorkspace()
  const { canUndo, canRedo } = useUndo()
  const canWrite = useCanWrite()
  const add = ({ detail }: MouseEvent, kind: Kind): void => {
    // Rendered at once, so that the block can be brought into view.
    const id = flushSync(() => addBlock(workspace, kind, actor))
    // A click by pointer moves the focus into the new text. A key press may be repeated, so it leaves the focus here.
    openBlock(id, { keepsFocus: detail === 0 })
  }
  return (
    <nav className="tools" aria-label="Blocks">
      {KINDS.map((kind) => (
        <button
          type="button"
          key={kind.type}
          className="primary"
          disabled={!canWrite}
          onClick={(event) => add(event, kind)}
        >
          {kind.button}
        </button>
      ))}
      <button type="button" disabled={!canUndo || !canWrite} onClick={() => takeBack(workspace, 'undo')}>
        Undo
      </button>
      <button type="button" disabled={!canRedo || !canWrite} onClick={() => takeBack(workspace, 'redo')}>
        Redo
      </button>
      {children}
    </nav>
  )
}
