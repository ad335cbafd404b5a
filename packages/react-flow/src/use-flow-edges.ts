import { removeEdge, setEdge } from '@joinery/blocks'
import { useBlocks, useEdges, useWorkspace } from '@joinery/react'
import type { OnConnect, OnEdgesChange } from '@xyflow/react'
import { useCallback, useMemo, useState } from 'react'
import { EdgeCache, edgeIdOf, type FlowEdge } from './flow-edges.ts'
import { inOneStep } from './one-step.ts'

export interface FlowEdges {
  /** The edges between blocks that are there, sorted by id. An edge is the same object until it changes. */
  readonly edges: FlowEdge[]
  /** Takes React Flow's changes: a removed edge is removed for everybody, as one undo step; selections stay on this screen. */
  readonly onEdgesChange: OnEdgesChange<FlowEdge>
  /** Draws an edge for everybody, as one undo step. A block is not connected to itself. */
  readonly onConnect: OnConnect
}

/** The edges of the workspace as edges of React Flow. Renders again when an edge or a block comes or goes, and for selections. */
export function useFlowEdges(): FlowEdges {
  const workspace = useWorkspace()
  const listed = useEdges()
  const ids = useBlocks()
  const [selected, setSelected] = useState<ReadonlySet<string>>(NOTHING)
  const [cache] = useState(() => new EdgeCache())
  const blocks = useMemo(() => new Set(ids), [ids])
  const edges = useMemo(() => cache.edgesOf(listed, blocks, selected), [cache, listed, blocks, selected])
  const onEdgesChange = useCallback<OnEdgesChange<FlowEdge>>(
    (changes) => {
      const removed = changes.flatMap((change) => (change.type === 'remove' ? [change.id] : []))
      if (removed.length > 0) {
        inOneStep(workspace, () => {
          for (const id of removed) removeEdge(workspace.doc, id)
        })
      }
      const choices = changes.filter((change) => change.type === 'select')
      if (choices.length === 0 && removed.length === 0) return
      setSelected((before) => {
        const next = new Set(before)
        for (const id of removed) next.delete(id)
        for (const { id, selected } of choices) {
          if (selected) next.add(id)
          else next.delete(id)
        }
        return next
      })
    },
    [workspace],
  )
  const onConnect = useCallback<OnConnect>(
    (connection) => {
      const { source, target, sourceHandle, targetHandle } = connection
      if (source === target) return
      inOneStep(workspace, () =>
        setEdge(workspace.doc, edgeIdOf(connection), {
          source,
          target,
          ...(sourceHandle != null && { sourceHandle }),
          ...(targetHandle != null && { targetHandle }),
        }),
      )
    },
    [workspace],
  )
  return useMemo(() => ({ edges, onEdgesChange, onConnect }), [edges, onEdgesChange, onConnect])
}

const NOTHING: ReadonlySet<string> = new Set()
