import type { Workspace } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useEffect } from 'react'
import * as Y from 'yjs'
import type { Person } from '../person.ts'
import { type CaretState, caretIn } from './caret.ts'
import { onOwnCaret, ownCaretAt } from './own-caret.ts'

/** Least time between two presence states, ms: a held arrow key or a mouse drag moves a caret faster than anybody can follow. */
const CARET_DELAY_MS = 40

/** Sends this person's name, colour and caret to the others. */
export function useOwnPresence(person: Person): void {
  const workspace = useWorkspace()
  useEffect(() => announcePresence(workspace, person), [workspace, person])
}

function announcePresence(workspace: Workspace, person: Person): () => void {
  let said: string | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const say = (): void => {
    timer = undefined
    const state = { ...person, ...caretPart(workspace) }
    const words = JSON.stringify(state)
    if (words === said) return
    said = words
    workspace.presence.set(state)
  }
  const sayLater = (): void => {
    timer ??= setTimeout(say, CARET_DELAY_MS)
  }
  const events = ['selectionchange', 'focusin', 'focusout'] as const
  for (const event of events) document.addEventListener(event, sayLater)
  const unfollow = onOwnCaret(sayLater)
  say()
  return () => {
    clearTimeout(timer)
    unfollow()
    for (const event of events) document.removeEventListener(event, sayLater)
  }
}

function caretPart(workspace: Workspace): { cursor?: CaretState } {
  const field = document.activeElement
  const own = ownCaretAt(field)
  if (own !== undefined) return { cursor: caretIn(own.block, own.text, own.selection()) }
  if (!(field instanceof HTMLTextAreaElement)) return {}
  const block = field.closest<HTMLElement>('[data-block]')?.dataset.block
  if (block === undefined) return {}
  const text = workspace.blocks.get(block)?.map.get('content')
  // While an input method composes, others' edits wait outside the field, so the field's indexes are not those of the text.
  if (!(text instanceof Y.Text) || text.length !== field.value.length) return {}
  const { selectionStart, selectionEnd, selectionDirection } = field
  const isBackward = selectionDirection === 'backward'
  const anchor = isBackward ? selectionEnd : selectionStart
  const head = isBackward ? selectionStart : selectionEnd
  return { cursor: caretIn(block, text, { anchor, head }) }
}
