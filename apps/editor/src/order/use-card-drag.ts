import { type DragEvent, useState } from 'react'

const BLOCK_TYPE = 'application/x-joinery-block'

/** Where there is no pointer but a finger, which scrolls, the buttons move blocks. */
const hasPointer = matchMedia('(any-pointer: fine)').matches

/** What a card and its handle take to be dragged by pointer, and to be dropped on: `onDrop` is told which block came. */
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
        // Says that it may be dropped here.
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
