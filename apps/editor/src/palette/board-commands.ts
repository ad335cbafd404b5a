import type { Workspace } from '@joinery/client'
import { FRAME_TYPE, placedBlocksOf } from '@joinery/react-flow'
import { flushSync } from 'react-dom'
import { addBlock, addFrame, KINDS } from '../add-block.ts'
import type { BoardView } from '../board-view.ts'
import { showComments } from '../comments/comments-door.ts'
import { follow } from '../follow/followed.ts'
import { goTo } from '../follow/go-to.ts'
import { putInFrame, takeOutOfFrame } from '../frames/put-in-frame.ts'
import { fitBoard, openBlock } from '../panels/open-block.ts'
import type { PanelName } from '../panels/side-panels.tsx'
import { isPerson } from '../person.ts'
import { takeBack } from '../undo/take-back.ts'
import type { Command } from './command.ts'

export interface CommandSetting {
  readonly workspace: Workspace
  readonly actor: string
  /** A reader has no commands that change the board. */
  readonly canWrite: boolean
  readonly onView: (view: BoardView) => void
  readonly onPanel: (name: PanelName) => void
  readonly onDelete: (id: string) => void
}

const PANELS: readonly PanelName[] = ['Comments', 'History', 'Conflicts', 'Tasks', 'Leases']

/** The commands of the moment: those for the block with the focus come first. */
export function boardCommands(setting: CommandSetting): readonly Command[] {
  const { workspace, onView, onPanel } = setting
  return [
    ...(setting.canWrite ? edits(setting) : []),
    { id: 'fit', name: 'Show the whole board', act: fitBoard },
    { id: 'canvas', name: 'Show the canvas', act: () => onView('canvas') },
    { id: 'list', name: 'Show the list', act: () => onView('list') },
    ...PANELS.map((name) => ({ id: `panel ${name}`, name: `Open ${name.toLowerCase()}`, act: () => onPanel(name) })),
    ...peopleCommands(workspace),
  ]
}

/** Commands that change the board. */
function edits(setting: CommandSetting): Command[] {
  const { workspace, actor } = setting
  const opened = (id: string): void => void openBlock(id)
  return [
    ...blockCommands(setting),
    ...KINDS.map((kind) => ({
      id: kind.type,
      name: kind.button,
      act: () => opened(flushSync(() => addBlock(workspace, kind, actor))),
    })),
    { id: 'frame', name: 'Add frame', act: () => opened(flushSync(() => addFrame(workspace, actor))) },
    { id: 'undo', name: 'Undo', keys: 'Ctrl+Z', act: () => takeBack(workspace, 'undo') },
    { id: 'redo', name: 'Redo', keys: 'Ctrl+Shift+Z', act: () => takeBack(workspace, 'redo') },
  ]
}

function peopleCommands({ presence }: Workspace): Command[] {
  return presence.others.get().flatMap(({ clientId, state }) => {
    if (!isPerson(state)) return []
    const { name, hue } = state
    return [
      { id: `go ${clientId}`, name: `Go to ${name}`, act: () => goTo(state) },
      { id: `follow ${clientId}`, name: `Follow ${name}`, act: () => follow({ clientId, name, hue }) },
    ]
  })
}

/** Commands for the block that has the focus, or that is the only selected one. */
function blockCommands({ workspace, actor, onDelete }: CommandSetting): Command[] {
  const author = { source: 'user_action', actor } as const
  const id = presentBlock()
  const all = placedBlocksOf(workspace).get()
  const block = all.find((it) => it.id === id)
  if (block === undefined) return []
  const title = `“${block.title ?? block.id}”`
  const commands: Command[] = [
    { id: 'comment', name: `Comment on ${title}`, act: () => showComments(block.id) },
    { id: 'delete', name: `Delete ${title}`, act: () => onDelete(block.id) },
  ]
  if (block.type === FRAME_TYPE) return commands
  for (const frame of all) {
    if (frame.type !== FRAME_TYPE || frame.id === block.frame?.id) continue
    commands.push({
      id: `into ${frame.id}`,
      name: `Move ${title} into the frame “${frame.title ?? frame.id}”`,
      act: () => putInFrame(workspace, block.id, frame.id, author),
    })
  }
  if (all.some(({ id: frame }) => frame === block.frame?.id)) {
    commands.push({
      id: 'out',
      name: `Take ${title} out of its frame`,
      act: () => takeOutOfFrame(workspace, block.id, author),
    })
  }
  return commands
}

function presentBlock(): string | undefined {
  const focused = document.activeElement
  const card = focused?.closest<HTMLElement>('[data-block]') ?? focused?.querySelector<HTMLElement>('[data-block]')
  if (card != null && focused !== document.body) return card.dataset.block
  const selected = document.querySelectorAll<HTMLElement>('.react-flow__node.selected')
  return selected.length === 1 ? selected[0]?.dataset.id : undefined
}
