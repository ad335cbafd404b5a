import type { TextEdit } from '@joinery/blocks'
import { useCallback, useEffect, useRef, useState } from 'react'
import { DAY, DAY_MS, SENTENCE } from './day.ts'
import { joineryBoard } from './joinery-board.ts'
import { lastWriterBoard } from './last-writer-board.ts'
import type { SmallBoard } from './small-board.ts'
import { type Watched, watchBoard } from './watched-board.ts'

/** When typing begins for a visitor who only watches, ms after the start. */
const TYPING_MS = 1_200
/** Time between two letters, ms: that of a quick typist. */
const LETTER_MS = 85

export interface DayView {
  readonly boards: readonly [left: SmallBoard, right: SmallBoard]
  readonly seen: readonly [left: Watched, right: Watched]
  /** The latest event, in words. */
  readonly words: string
  readonly isOver: boolean
  readonly again: () => void
  /** Takes what the visitor typed on one board over to the other. */
  readonly onType: (from: SmallBoard, edits: readonly TextEdit[]) => void
}

/** Plays the day on two new boards, once at the start and whenever `again` is called. */
export function useDay(): DayView {
  const [boards, setBoards] = useState(newBoards)
  const typed = useRef('')
  const isWatcher = useRef(true)
  const [view, setView] = useState<Pick<DayView, 'seen' | 'words' | 'isOver'>>(NOTHING)

  useEffect(() => {
    const [left, right] = boards
    const watched = [watchBoard(left, () => typed.current), watchBoard(right, () => typed.current)] as const
    const look = (): void => setView((before) => ({ ...before, seen: [watched[0].look(), watched[1].look()] }))
    const memory = new Map<SmallBoard, () => void>()
    const timers: ReturnType<typeof setTimeout>[] = []
    const later = (ms: number, act: () => void): void => {
      timers.push(setTimeout(act, ms))
    }
    const unsubscribe = boards.map((board) => board.subscribe(look))
    for (const { at, words, act } of DAY) {
      later(at, () => {
        act(boards, memory)
        if (words !== undefined) setView((before) => ({ ...before, words }))
      })
    }
    for (const [at, letter] of [...SENTENCE].entries()) {
      later(TYPING_MS + at * LETTER_MS, () => {
        if (!isWatcher.current) return
        typed.current += letter
        for (const board of boards) board.type([{ index: board.text().length, remove: 0, insert: letter }])
      })
    }
    later(DAY_MS, () => setView((before) => ({ ...before, isOver: true })))
    return () => {
      for (const timer of timers) clearTimeout(timer)
      for (const stop of unsubscribe) stop()
      for (const board of boards) board.close()
    }
  }, [boards])

  const again = useCallback(() => {
    typed.current = ''
    isWatcher.current = true
    setView(NOTHING)
    setBoards(newBoards())
  }, [])
  const onType = useCallback(
    (from: SmallBoard, edits: readonly TextEdit[]) => {
      isWatcher.current = false
      for (const { insert } of edits) typed.current += insert
      for (const board of boards) if (board !== from) board.type(edits)
    },
    [boards],
  )
  return { boards, ...view, again, onType }
}

const UNSEEN: Watched = { status: undefined, stepsBack: 0, lost: [] }
const NOTHING = { seen: [UNSEEN, UNSEEN], words: 'You and three jobs open the same block.', isOver: false } as const

const newBoards = (): readonly [SmallBoard, SmallBoard] => [lastWriterBoard(), joineryBoard()]
