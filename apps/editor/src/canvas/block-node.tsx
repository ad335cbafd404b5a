import type { FlowNode } from '@joinery/react-flow'
import { Handle, type NodeProps, NodeResizeControl, Position } from '@xyflow/react'
import { memo, type ReactNode, useContext } from 'react'
import { BlockCard } from '../block-card.tsx'
import { useCanWrite } from '../keys/use-can-write.ts'
import { CardContext } from './card-context.ts'
import { MovedBy } from './moved-by.tsx'
import { NODE_SIZE_MIN } from './node-size.ts'

/** Node of one block: its card, with a handle on each side and a grip to resize it. */
export const BlockNode = memo(function BlockNode({ id, data }: Pick<NodeProps<FlowNode>, 'id' | 'data'>): ReactNode {
  const setting = useContext(CardContext)
  const canWrite = useCanWrite()
  if (setting === undefined) return null
  return (
    <>
      <Handle type="target" position={Position.Left} />
      <BlockCard id={id} view="canvas" {...setting} />
      <Handle type="source" position={Position.Right} />
      {data.movedBy !== undefined && <MovedBy clientId={data.movedBy} />}
      {canWrite && (
        <NodeResizeControl
          className="grip"
          position="bottom-right"
          minWidth={NODE_SIZE_MIN.width}
          minHeight={NODE_SIZE_MIN.height}
        />
      )}
    </>
  )
})
