import type { ClaimAuthor } from '@joinery/blocks'
import type { Workspace } from '@joinery/client'
import {
  copyBlocks,
  createFrame,
  type FlowEdges,
  type FlowNode,
  FRAME_TYPE,
  pasteBlocks,
  readCopied,
} from '@joinery/react-flow'
import type { OnNodesChange } from '@xyflow/react'
import { type KeyboardEvent, useEffect, useMemo, useRef } from 'react'
import { freshTitle, titleOf } from '../block-title.ts'
import { isTextField } from '../is-text-field.ts'
import { mayWrite } from '../keys/use-can-write.ts'
import { offerUndo } from '../undo/undo-offer.ts'
import { boxOf } from './node-box.ts'

interface BoardKeysOptions {
  readonly workspace: Workspace
  readonly author: ClaimAuthor
  readonly nodes: FlowNode[]
  readonly edges: FlowEdges
  readonly onNodesChange: OnNodesChange<FlowNode>
  readonly onSay: (words: string) => void
}

export interface BoardKeys {
  readonly onKeyDown: (event: KeyboardEvent) => void
  readonly duplicate: () => void
  readonly remove: () => void
  /** Makes a frame around the selected blocks. */
  readonly frame: () => void
  /** Puts the selected blocks on one line: their left or their top edges. */
  readonly align: (edge: 'left' | 'top') => void
}

/** Distance of a copy from its original, pixels of the flow. */
const COPY_BY = { x: 32, y: 32 }

/** Actions of the keys, the clipboard and the bar on the selected blocks. */
export function useBoardKeys(options: BoardKeysOptions): BoardKeys {
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  const keys = useMemo(() => boardKeys(() => latest.current), [])
  useEffect(() => {
    // The focus is nowhere after a press on a button that goes away. In a dialog, keys are the dialog's.
    const onLostKey = (event: globalThis.KeyboardEvent): void => {
      if (event.target === document.body && document.querySelector('dialog[open]') === null) keys.onKeyDown(event)
    }
    const listeners = { copy: keys.onCopy, cut: keys.onCut, paste: keys.onPaste, keydown: onLostKey } as const
    for (const [name, listener] of Object.entries(listeners)) {
      document.addEventListener(name, listener as EventListener)
    }
    return () => {
      for (const [name, listener] of Object.entries(listeners)) {
        document.removeEventListener(name, listener as EventListener)
      }
    }
  }, [keys])
  return keys
}

function boardKeys(now: () => BoardKeysOptions) {
  const selected = (): FlowNode[] => now().nodes.filter((node) => node.selected)
  const isAllowed = (): boolean =>
    mayWrite(now().workspace, document.querySelector('.react-flow__node.selected')?.getBoundingClientRect())
  const copied = () => {
    const chosen = selected()
    const places = new Map(chosen.map(({ id, position }) => [id, position]))
    return copyBlocks(
      now().workspace,
      chosen.map(({ id }) => id),
      places,
    )
  }
  const put = (copy: ReturnType<typeof copied>): void => {
    if (!isAllowed()) return
    const { workspace, author, nodes, onNodesChange, onSay } = now()
    const ids = new Set(pasteBlocks(workspace, copy, COPY_BY, author))
    if (ids.size === 0) return
    onNodesChange([
      ...nodes.filter((node) => node.selected).map(({ id }) => ({ type: 'select' as const, id, selected: false })),
      ...[...ids].map((id) => ({ type: 'select' as const, id, selected: true })),
    ])
    onSay(`${ids.size} new ${ids.size === 1 ? 'block' : 'blocks'}`)
  }
  const remove = (): void => {
    const { edges, onNodesChange } = now()
    const chosen = selected()
    const cut = edges.edges.filter((edge) => edge.selected)
    if ((chosen.length === 0 && cut.length === 0) || !isAllowed()) return
    const at = document.querySelector('.react-flow__node.selected')?.getBoundingClientRect()
    edges.onEdgesChange(cut.map(({ id }) => ({ type: 'remove', id })))
    if (chosen.length > 0) onNodesChange(chosen.map(({ id }) => ({ type: 'remove', id })))
    // The focus would be lost with the node.
    document.querySelector<HTMLElement>('.react-flow__pane')?.focus()
    const [first] = chosen
    const name = chosen.length === 1 ? `“${first?.data.title ?? first?.id}”` : `${chosen.length} blocks`
    offerUndo(now().workspace, chosen.length === 0 ? 'Edge cut.' : `${name} deleted.`, at)
  }
  const duplicate = (): void => {
    if (selected().length > 0) put(copied())
  }
  const align = (edge: 'left' | 'top'): void => {
    if (!isAllowed()) return
    const chosen = selected()
    const axis = edge === 'left' ? 'x' : 'y'
    const least = Math.min(...chosen.map(({ position }) => position[axis]))
    now().onNodesChange(
      chosen.map(({ id, position }) => ({ type: 'position', id, position: { ...position, [axis]: least } })),
    )
  }
  const frame = (): void => {
    const { workspace, author, onNodesChange, onSay } = now()
    const chosen = selected().filter(({ type }) => type !== FRAME_TYPE)
    if (chosen.length === 0 || !isAllowed()) return
    const titles = new Set(workspace.blocks.list().map(({ fields, id }) => titleOf(fields.get('title'), id)))
    const title = freshTitle('Frame', titles)
    const { id } = createFrame(workspace, chosen, { title, author })
    onNodesChange([
      ...selected().map((node) => ({ type: 'select' as const, id: node.id, selected: false })),
      { type: 'select' as const, id, selected: true },
    ])
    onSay(`${title} around ${chosen.length} ${chosen.length === 1 ? 'block' : 'blocks'}`)
  }
  const selectAll = (): void => {
    const { nodes, onNodesChange } = now()
    onNodesChange(nodes.map(({ id }) => ({ type: 'select', id, selected: true })))
  }
  const onKeyDown = (event: KeyboardEvent | globalThis.KeyboardEvent): void => {
    if (isTextField(event.target)) return
    const isCommand = event.ctrlKey || event.metaKey
    const key = event.key.toLowerCase()
    const act = isCommand
      ? { a: selectAll, d: duplicate, g: frame }[key]
      : { delete: remove, backspace: remove }[event.altKey ? '' : key]
    if (act === undefined || event.shiftKey) return
    event.preventDefault()
    act()
  }
  const copyTo = (event: ClipboardEvent): boolean => {
    const isText = isTextField(event.target) || getSelection()?.isCollapsed === false
    if (isText || selected().length === 0) return false
    event.clipboardData?.setData('text/plain', JSON.stringify(copied()))
    event.preventDefault()
    return true
  }
  return {
    onKeyDown,
    duplicate,
    remove,
    frame,
    align,
    onCopy: (event: ClipboardEvent): void => void copyTo(event),
    onCut: (event: ClipboardEvent): void => {
      if (copyTo(event)) remove()
    },
    onPaste: (event: ClipboardEvent): void => {
      if (isTextField(event.target)) return
      const text = event.clipboardData?.getData('text/plain') ?? ''
      const copy = readCopied(text)
      if (copy !== undefined) put(copy)
      else if (text.trim() !== '') {
        if (isAllowed()) pasteText(now(), text)
      } else return
      event.preventDefault()
    },
  }
}

/** Makes a block from a text that was pasted on the canvas. */
function pasteText({ workspace, author, nodes }: BoardKeysOptions, text: string): void {
  const right = Math.max(0, ...nodes.map((node) => boxOf(node).right))
  const copy = {
    joinery: 'blocks@1' as const,
    blocks: [{ type: 'text', content: text, fields: { title: titleFrom(text), position: { x: right, y: 0 } } }],
    edges: [],
  }
  pasteBlocks(workspace, copy, { x: 40, y: 0 }, author)
}

const titleFrom = (text: string): string => text.trim().split('\n', 1)[0]?.slice(0, 60) || 'Pasted text'
