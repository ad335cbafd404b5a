import { removeEdge, setEdge } from '@joinery/blocks'
import { useBlocks, useEdgesFrom, useWorkspace } from '@joinery/react'
import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react'
import { titleOf } from './block-title.ts'
import { useCanWrite } from './keys/use-can-write.ts'
import { openBlock } from './panels/open-block.ts'

/** Shows the edges that start at a block, with controls to draw and cut them by keyboard or pointer. */
export function BlockEdges({ id, title }: { id: string; title: string }): ReactNode {
  const workspace = useWorkspace()
  const edges = useEdgesFrom(id)
  const canWrite = useCanWrite()
  const [isChoosing, setIsChoosing] = useState(false)
  const isBack = useRef(false)
  const nameOf = (block: string): string => titleOf(workspace.blocks.get(block)?.fields.get('title'), block)
  const edit = (change: () => void): void => {
    workspace.undo.split()
    workspace.transact(change)
    workspace.undo.split()
  }
  const connect = (target: string): void => {
    // The id is the same for everybody, so that two people who draw the edge at once make one.
    edit(() => setEdge(workspace.doc, `${id}~${target}`, { source: id, target }))
    endChoosing()
  }
  const endChoosing = (): void => {
    setIsChoosing(false)
    isBack.current = true
  }
  // The focus returns to the button once it is on the page again.
  const buttonOnMount = (button: HTMLButtonElement | null): void => {
    if (button === null || !isBack.current) return
    isBack.current = false
    button.focus()
  }
  const targets = edges.map(({ target }) => target)
  return (
    <div className="edges">
      {edges.length > 0 && (
        <ul aria-label={`${title} leads to`}>
          {edges.map((edge) => (
            <li key={edge.id}>
              <button type="button" className="quiet" onClick={() => openBlock(edge.target)}>
                → {nameOf(edge.target)}
              </button>
              <button
                type="button"
                className="quiet"
                aria-label={`Cut the edge to ${nameOf(edge.target)}`}
                disabled={!canWrite}
                onClick={() => edit(() => removeEdge(workspace.doc, edge.id))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      {!canWrite ? null : isChoosing ? (
        <EdgeTargets
          without={[id, ...targets]}
          title={title}
          nameOf={nameOf}
          onChoose={connect}
          onLeave={endChoosing}
        />
      ) : (
        <button ref={buttonOnMount} type="button" className="quiet" onClick={() => setIsChoosing(true)}>
          Connect<span className="hidden"> {title}</span> to…
        </button>
      )}
    </div>
  )
}

interface EdgeTargetsProps {
  readonly without: readonly string[]
  readonly title: string
  readonly nameOf: (block: string) => string
  readonly onChoose: (target: string) => void
  readonly onLeave: () => void
}

/** With more blocks than these, a part of the name narrows the list. */
const UNFILTERED_MAX = 20

/** List of blocks to connect to. It is a component of its own, so that only the card with an open list renders for new blocks. */
function EdgeTargets({ without, title, nameOf, onChoose, onLeave }: EdgeTargetsProps): ReactNode {
  const left = useBlocks().filter((block) => !without.includes(block))
  const [filter, setFilter] = useState('')
  const others = left.filter((block) => nameOf(block).toLowerCase().includes(filter.trim().toLowerCase()))
  const [target, setTarget] = useState('')
  // An arrow key changes the select's value at once. So by keyboard Enter confirms the choice, and by pointer the change does.
  const isByKey = useRef(false)
  const onKeyDown = (event: KeyboardEvent): void => {
    isByKey.current = true
    if (event.key === 'Escape') onLeave()
    if (event.key !== 'Enter' || target === '') return
    event.preventDefault()
    onChoose(target)
  }
  const onChange = (chosen: string): void => {
    if (isByKey.current) setTarget(chosen)
    else onChoose(chosen)
  }
  const list = (
    <select
      ref={left.length > UNFILTERED_MAX ? undefined : focusOnMount}
      aria-label={`Connect ${title} to`}
      value={target}
      onPointerDown={() => {
        isByKey.current = false
      }}
      onKeyDown={onKeyDown}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      <option value="" disabled>
        {others.length === 0 ? 'No other block' : 'Choose a block'}
      </option>
      {others.map((block) => (
        <option key={block} value={block}>
          {nameOf(block)}
        </option>
      ))}
    </select>
  )
  if (left.length <= UNFILTERED_MAX) return list
  return (
    <>
      <input
        ref={focusOnMount}
        type="search"
        aria-label={`Filter the blocks for ${title}`}
        placeholder="Part of a name"
        value={filter}
        onChange={(event) => setFilter(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onLeave()
          const [only] = others
          if (event.key === 'Enter' && only !== undefined && others.length === 1) onChoose(only)
        }}
      />
      {list}
    </>
  )
}

const focusOnMount = (field: HTMLElement | null): void => field?.focus()
