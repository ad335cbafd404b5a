import { type FlowNode, FRAME_TYPE } from '@joinery/react-flow'
import type { ReactNode } from 'react'
import { useCanWrite } from '../keys/use-can-write.ts'
import type { BoardKeys } from './use-board-keys.ts'

/** Buttons for the selected blocks, at the lower edge of the canvas. */
export function SelectionBar({ keys, nodes }: { keys: BoardKeys; nodes: readonly FlowNode[] }): ReactNode {
  const canWrite = useCanWrite()
  const selected = nodes.filter((node) => node.selected)
  const count = selected.length
  // All that the bar offers would change something.
  if (count === 0 || !canWrite) return null
  const canFrame = selected.some(({ type }) => type !== FRAME_TYPE)
  return (
    <div className="selection-bar" role="toolbar" aria-label="Selected blocks">
      <span>{count === 1 ? '1 selected' : `${count} selected`}</span>
      {count > 1 && (
        <>
          <button type="button" className="quiet" onClick={() => keys.align('left')}>
            Align left
          </button>
          <button type="button" className="quiet" onClick={() => keys.align('top')}>
            Align top
          </button>
        </>
      )}
      {canFrame && (
        <button type="button" className="quiet" aria-keyshortcuts="Control+G Meta+G" onClick={keys.frame}>
          Frame
        </button>
      )}
      <button type="button" className="quiet" aria-keyshortcuts="Control+D Meta+D" onClick={keys.duplicate}>
        Duplicate
      </button>
      <button type="button" className="quiet" aria-keyshortcuts="Delete" onClick={keys.remove}>
        Remove
      </button>
    </div>
  )
}
