import type { SmallBoard, Status } from './small-board.ts'

/** The things that a visitor can see for themselves on a board. */
export interface Watched {
  readonly status: Status | undefined
  /** How often a status that was done became unfinished again. */
  readonly stepsBack: number
  /** Words that the visitor typed and that are no longer in the text. */
  readonly lost: readonly string[]
}

/** Watches what a board shows, as somebody in front of it does. `typed` returns all that the visitor has typed. */
export function watchBoard(board: SmallBoard, typed: () => string): { look: () => Watched } {
  let last: Status | undefined
  let stepsBack = 0
  return {
    look: () => {
      const status = board.status()
      if (last === 'done' && status === 'processing') stepsBack += 1
      last = status
      return { status, stepsBack, lost: lostWords(typed(), board.text()) }
    },
  }
}

/** The words of `typed` that `text` does not have; each as often as it is missing. */
export function lostWords(typed: string, text: string): string[] {
  const left = wordsOf(text)
  return wordsOf(typed).filter((word) => {
    const at = left.indexOf(word)
    if (at === -1) return !text.includes(word)
    left.splice(at, 1)
    return false
  })
}

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')
