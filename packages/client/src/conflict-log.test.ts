import { afterEach, describe, expect, it } from 'vitest'
import { conflictLogOf } from './conflict-log.ts'
import { connectWorkspace, type Workspace } from './workspace.ts'

let workspace: Workspace | undefined
afterEach(() => workspace?.close())

/** A workspace that nobody serves. Its log, and what makes one more conflict: a fork and a person change the same word. */
function scene() {
  // Port 9 is "discard": nothing listens there, and the refusal is immediate.
  const open = connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w', offline: false })
  workspace = open
  const quarrel = (word: string): void => {
    open.blocks.create(word, { type: 'text' }).replaceContent('one two three')
    const fork = open.fork()
    fork.blocks.get(word)?.replaceContent('one 2 three')
    open.blocks.get(word)?.replaceContent('one zwei three')
    fork.merge()
  }
  return { log: conflictLogOf(open), quarrel, isSame: () => conflictLogOf(open) }
}

describe('conflictLogOf', () => {
  it('[C75] notes what is told while somebody listens, newest first, in one log for each workspace', () => {
    const { log, quarrel, isSame } = scene()
    expect(isSame()).toBe(log)
    quarrel('unheard')
    const heard: number[] = []
    const stop = [log.subscribe(() => heard.push(log.get().length)), log.subscribe(() => undefined)]
    quarrel('a')
    quarrel('b')
    expect(log.get()).toMatchObject([
      { block: 'b', field: 'content' },
      { block: 'a', field: 'content' },
    ])
    expect(heard).toEqual([1, 2])
    stop[0]?.()
    stop[0]?.()
    quarrel('c')
    stop[1]?.()
    quarrel('d')
    expect(log.get().map(({ block }) => block)).toEqual(['c', 'b', 'a'])
  })

  it('[C75] forgets what is dismissed, and tells nobody when nothing was', () => {
    const { log, quarrel } = scene()
    const heard: number[] = []
    log.subscribe(() => heard.push(log.get().length))
    quarrel('a')
    quarrel('b')
    log.dismiss(log.get()[1]?.id ?? '')
    expect(log.get().map(({ block }) => block)).toEqual(['b'])
    log.dismiss('another')
    log.clear()
    log.clear()
    expect(heard).toEqual([1, 2, 1, 0])
  })

  it('[C75] keeps a hundred', () => {
    const { log, quarrel } = scene()
    log.subscribe(() => undefined)
    for (let count = 0; count <= 100; count++) quarrel(`block ${count}`)
    expect(log.get()).toHaveLength(100)
    expect(log.get()[0]?.block).toBe('block 100')
    expect(new Set(log.get().map(({ id }) => id)).size).toBe(100)
  })
})
