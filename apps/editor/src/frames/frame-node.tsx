import { useField } from '@joinery/react'
import type { FlowNode } from '@joinery/react-flow'
import { type NodeProps, NodeResizeControl } from '@xyflow/react'
import { memo, type ReactNode, useContext } from 'react'
import { titleOf } from '../block-title.ts'
import { CardContext } from '../canvas/card-context.ts'
import { MovedBy } from '../canvas/moved-by.tsx'
import { useCanWrite } from '../keys/use-can-write.ts'
import { FrameHeader } from './frame-header.tsx'
import './frames.css'

/** Smallest frame, pixels: its title and the corner of a block. */
const MIN = { width: 240, height: 160 }

/** Node of one frame: an area with a title, below the blocks in it. It is dragged by its title. */
export const FrameNode = memo(function FrameNode({ id, data }: Pick<NodeProps<FlowNode>, 'id' | 'data'>): ReactNode {
  const setting = useContext(CardContext)
  const canWrite = useCanWrite()
  const title = titleOf(useField(id, 'title'), id)
  if (setting === undefined) return null
  return (
    <>
      <section className="frame" aria-label={title} data-block={id}>
        <FrameHeader id={id} actor={setting.actor} onDelete={setting.onDelete} />
      </section>
      {data.movedBy !== undefined && <MovedBy clientId={data.movedBy} />}
      {canWrite && (
        <NodeResizeControl className="grip" position="bottom-right" minWidth={MIN.width} minHeight={MIN.height} />
      )}
    </>
  )
})
