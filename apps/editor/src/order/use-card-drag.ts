import { type DragEvent, useState } from 'react'

const BLOCK_TYPE = 'application/x-joinery-block'

/** Whether there is a mouse or pen. With touch only, a drag scrolls, and blocks are moved by their buttons. */
const hasPointer = matchMedia('(any-pointer: fine)').matches

/** Props for a card and its handle, so that cards can be dragged by pointer and dropped on each other. `onDrop` gets the dragged block's id. */
export function useCardDrag(id: string, onDrop: (dragged: string) => void) {
  const [isTarget, setIsTarget] = useState(false)
  const isBlock = ({ dataTransfer }: DragEvent): boolean => dataTransfer.types.includes(BLOCK_TYPE)
  return {
    isTarget,
    handle: {
      draggable: hasPointer,
      onDragStart: ({ dataTransfer, currentTarget }: DragEvent) => {
        dataTransfer.setData(BLOCK_TYPE, id)
        dataTransfer.effectAllowed = 'move'
        const card = currentTarget.closest('.card')
        if (card !== null) dataTransfer.setDragImage(card, 20, 20)
      },
    },
    card: {
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
