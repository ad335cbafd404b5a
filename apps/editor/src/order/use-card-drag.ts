import { type DragEvent, type PointerEvent, useState } from 'react'
import { isControl } from '../is-text-field.ts'

const BLOCK_TYPE = 'application/x-joinery-block'

/**
 * Props for a card, so that cards can be dragged by mouse or pen wherever they have no text and no control, and dropped on each
 * other. By touch a drag scrolls, and blocks are moved by their buttons. `onDrop` gets the dragged block's id.
 */
export function useCardDrag(id: string, isAllowed: boolean, onDrop: (dragged: string) => void) {
  const [isTarget, setIsTarget] = useState(false)
  const isBlock = ({ dataTransfer }: DragEvent): boolean => dataTransfer.types.includes(BLOCK_TYPE)
  return {
    isTarget,
    card: {
      // Decided at each press: in a card that can always be dragged, a text could not be selected.
      onPointerDown: ({ pointerType, target, currentTarget }: PointerEvent<HTMLElement>) => {
        currentTarget.draggable = isAllowed && pointerType !== 'touch' && !isControl(target)
      },
      onDragStart: ({ dataTransfer, currentTarget, target }: DragEvent) => {
        if (target !== currentTarget) return
        dataTransfer.setData(BLOCK_TYPE, id)
        dataTransfer.effectAllowed = 'move'
      },
      onDragOver: (event: DragEvent) => {
        if (!isBlock(event)) return
        // Allows the drop.
        event.preventDefault()
        setIsTarget(true)
      },
      onDragLeave: ({ currentTarget, relatedTarget }: DragEvent) => {
        if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) setIsTarget(false)
      },
      onDrop: (event: DragEvent) => {
        if (!isBlock(event)) return
        event.preventDefault()
        setIsTarget(false)
        const dragged = event.dataTransfer.getData(BLOCK_TYPE)
        if (dragged !== id) onDrop(dragged)
      },
    },
  }
}
