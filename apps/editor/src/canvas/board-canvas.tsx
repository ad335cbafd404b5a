import { useWorkspace } from '@joinery/react'
import { useFlowEdges, useFlowNodes } from '@joinery/react-flow'
import { Background, Controls, MarkerType, MiniMap, ReactFlow, ReactFlowProvider } from '@xyflow/react'
import { type ReactNode, useMemo } from 'react'
import '@xyflow/react/dist/base.css'
import './canvas.css'
import { FrameNode } from '../frames/frame-node.tsx'
import { useCanWrite } from '../keys/use-can-write.ts'
import { BlockEdge } from './block-edge.tsx'
import { BlockNode } from './block-node.tsx'
import { CardContext, type CardSetting } from './card-context.ts'
import { NODE_SIZE } from './node-size.ts'
import { SelectionBar } from './selection-bar.tsx'
import { useBoardKeys } from './use-board-keys.ts'
import { useBoardViewport } from './use-board-viewport.ts'

export interface BoardCanvasProps extends CardSetting {
  /** Says something to screen readers. */
  readonly onSay: (words: string) => void
}

const NODE_TYPES = { text: BlockNode, vector_collection: BlockNode, frame: FrameNode, default: BlockNode }
const EDGE_TYPES = { default: BlockEdge }
const EDGE_OPTIONS = { markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16 } }
/** From this many blocks on, only those in view are in the page: below, all are, so that readers and searches reach them. */
const ALL_IN_PAGE_MAX = 60
/** With fewer blocks all are in view, and an overview would only cover one of them. */
const MINIMAP_FROM = 7
const MINIMAP_SIZE = { width: 170, height: 120 }

/** The board as a canvas: pan, zoom, move, connect, select, copy. */
export function BoardCanvas(props: BoardCanvasProps): ReactNode {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  )
}

function Canvas({ onSay, actor, workspaceName, onMove, onDelete }: BoardCanvasProps): ReactNode {
  const workspace = useWorkspace()
  const author = useMemo(() => ({ source: 'user_action', actor }) as const, [actor])
  const { nodes, onNodesChange } = useFlowNodes({ author, size: NODE_SIZE })
  const edges = useFlowEdges()
  const canWrite = useCanWrite()
  const viewport = useBoardViewport(nodes)
  const keys = useBoardKeys({ workspace, author, nodes, edges, onNodesChange, onSay })
  const setting = useMemo<CardSetting>(
    () => ({ actor, workspaceName, onMove, onDelete }),
    [actor, workspaceName, onMove, onDelete],
  )
  return (
    <CardContext value={setting}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys of the application inside */}
      <div className="canvas" ref={viewport.frame} onKeyDown={keys.onKeyDown}>
        <ReactFlow
          aria-label="Board"
          nodes={nodes}
          edges={edges.edges}
          nodeTypes={NODE_TYPES}
          edgeTypes={EDGE_TYPES}
          defaultEdgeOptions={EDGE_OPTIONS}
          // The style sheet colours the arrows.
          defaultMarkerColor={null}
          onNodesChange={onNodesChange}
          onEdgesChange={edges.onEdgesChange}
          onConnect={edges.onConnect}
          onMoveStart={viewport.onMoveStart}
          onInit={viewport.onInit}
          onlyRenderVisibleElements={nodes.length > ALL_IN_PAGE_MAX}
          minZoom={0.05}
          maxZoom={2}
          panOnScroll
          // Keys act on the whole selection: see useBoardKeys.
          deleteKeyCode={null}
          panActivationKeyCode={null}
          nodeDragThreshold={2}
          nodesDraggable={canWrite}
          nodesConnectable={canWrite}
          elevateNodesOnSelect={false}
        >
          <Background gap={24} size={1.4} />
          {nodes.length >= MINIMAP_FROM && (
            <MiniMap
              pannable
              zoomable
              ariaLabel="Overview of the board"
              nodeClassName={miniClass}
              nodeBorderRadius={24}
              style={MINIMAP_SIZE}
            />
          )}
          <Controls showInteractive={false} aria-label="View" />
        </ReactFlow>
        <SelectionBar keys={keys} nodes={nodes} />
      </div>
    </CardContext>
  )
}

const MINI: Readonly<Record<string, string>> = { vector_collection: 'mini collection', frame: 'mini framed' }
const miniClass = ({ type }: { type?: string }): string => MINI[type ?? ''] ?? 'mini'
