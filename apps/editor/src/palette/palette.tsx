import { useWorkspace } from '@joinery/react'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from 'react'
import { titleOf } from '../block-title.ts'
import { openBlock } from '../panels/open-block.ts'
import { type Command, matchingCommands } from './command.ts'
import { searchBlocks } from './search-blocks.ts'
import { similarWords } from './similar-words.ts'
import { useSimilar } from './use-similar.ts'
import './palette.css'

/** Blocks that the list shows: more are found by another word. */
const BLOCKS_MAX = 30

interface Row {
  readonly id: string
  readonly name: string
  readonly hint: string
  readonly group: 'Commands' | 'Blocks' | 'Similar'
  readonly act: () => void
}

export interface PaletteProps {
  readonly commands: readonly Command[]
  readonly onClose: () => void
}

/** Commands, a search over the names and texts of all blocks, and passages that the server finds similar. Arrow keys choose, Enter acts, Escape leaves. */
export function Palette({ commands, onClose }: PaletteProps): ReactNode {
  const { blocks } = useWorkspace()
  const dialog = useRef<HTMLDialogElement>(null)
  const list = useId()
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  // Read once: the texts of a thousand blocks are not read anew for every letter.
  const searched = useMemo(
    () => blocks.list().map(({ id, text, fields }) => ({ id, text, title: titleOf(fields.get('title'), id) })),
    [blocks],
  )
  const similar = useSimilar(query)
  const rows = useMemo<readonly Row[]>(() => {
    const found = searchBlocks(searched, query, BLOCKS_MAX).map(({ id, title, excerpt, passage }) => ({
      id: `block ${id}`,
      name: title,
      hint: excerpt,
      group: 'Blocks' as const,
      act: () => void openBlock(id, passage === '' ? {} : { passage }),
    }))
    const acts = matchingCommands(commands, query).map(({ id, name, keys = '', act }) => ({
      id: `command ${id}`,
      name,
      hint: keys,
      group: 'Commands' as const,
      act,
    }))
    const shown = new Set(found.map(({ id }) => id))
    const like = (similar?.matches ?? []).flatMap(({ block, start, text }): Row[] => {
      // Asked now: the blocks may have come after the list was opened.
      const it = blocks.get(block)
      if (it === undefined || shown.has(`block ${block}`)) return []
      const name = titleOf(it.fields.get('title'), block)
      const passage = start === null ? {} : { passage: text }
      const hint = start === null ? '' : text
      return [{ id: `similar ${block}`, name, hint, group: 'Similar', act: () => void openBlock(block, passage) }]
    })
    return [...acts, ...found, ...like]
  }, [blocks, searched, commands, query, similar])
  const chosen = Math.min(at, rows.length - 1)
  useEffect(() => {
    const { current } = dialog
    current?.showModal()
    return () => current?.close()
  }, [])
  useEffect(() => {
    document.getElementById(`${list}-${chosen}`)?.scrollIntoView({ block: 'nearest' })
  }, [list, chosen])
  const act = (row: Row | undefined): void => {
    if (row === undefined) return
    // Closed first: the dialog gives the focus back, and the command may move it.
    dialog.current?.close()
    onClose()
    row.act()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 }
    const step = steps[event.key]
    // Undo and redo belong to this field while it is open.
    event.stopPropagation()
    if (event.key === 'Escape') {
      // A search field would be emptied first, and only the next Escape would leave.
      event.preventDefault()
      event.currentTarget.closest('dialog')?.close()
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault()
      act(rows[chosen])
    } else if (step !== undefined && rows.length > 0) {
      event.preventDefault()
      setAt((chosen + step + rows.length) % rows.length)
    }
  }
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Commands and search"
      onClose={onClose}
      onKeyDown={onKeyDown}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close()
      }}
    >
      <div className="palette-body">
        <input
          type="search"
          role="combobox"
          aria-label="Command, or words to find"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={rows.length > 0 ? `${list}-${chosen}` : undefined}
          placeholder="A command, or words to find"
          autoComplete="off"
          spellCheck={false}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value)
            setAt(0)
          }}
        />
        <div id={list} role="listbox" aria-label="Results">
          {rows.map((row, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus, as in every combobox
            <div
              key={row.id}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === chosen}
              className={index > 0 && rows[index - 1]?.group !== row.group ? 'first' : ''}
              onPointerMove={() => setAt(index)}
              onClick={() => act(row)}
            >
              <span className="name">{row.name}</span>
              <span className="hint">{row.hint}</span>
            </div>
          ))}
        </div>
        <p role="status" className={rows.length === 0 ? 'soft' : 'hidden'}>
          {rows.length === 0 ? `Nothing has “${query}” in it.` : `${rows.length} results`}
        </p>
        {rows.at(-1)?.group === 'Similar' && similar !== undefined && (
          <p className="search-by">{similarWords(similar)}</p>
        )}
      </div>
    </dialog>
  )
}
