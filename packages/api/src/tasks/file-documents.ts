import { type ClaimAuthor, FILE, getBlock } from '@joinery/blocks'
import type { Arrived, FileDocuments, FileEntry } from '@joinery/resources'
import { programPayer, type Server, type WorkspaceId } from '@joinery/server'
import type * as Y from 'yjs'
import { TASK_AUTHOR } from './task-status.ts'
import { connectionOf } from './untold-records.ts'

/** The files that blocks show, as their statuses have them. A request pays for its look (H122), and files for their own (S411). */
export function fileDocuments({ workspaces, costs }: Pick<Server, 'workspaces' | 'costs'>): FileDocuments {
  return {
    filesOf(workspace, block, payer = programPayer('files', workspace)) {
      const look = (doc: Y.Doc): readonly FileEntry[] | undefined => {
        const sinceMs = performance.now()
        try {
          return entriesOf(doc, block)
        } finally {
          costs.book({ principal: payer, workspace }, sinceMs)
        }
      }
      return workspaces.read(workspace as WorkspaceId, ({ doc }) => look(doc), payer)
    },
    async showArrived(workspace, upload) {
      let isShown = false
      await workspaces.write(workspace as WorkspaceId, {
        writer: TASK_AUTHOR,
        via: connectionOf(upload),
        payer: programPayer('files', workspace),
        run: (doc) => {
          isShown = reportArrived(doc, upload)
        },
      })
      return isShown
    },
  }
}

function reportArrived(doc: Y.Doc, { block, name, task, arrived, bytes }: Arrived): boolean {
  const statuses = getBlock(doc, block)?.statuses(FILE)
  const standing = statuses?.get(name)
  if (standing?.run.id !== task || standing.status !== 'syncing') return false
  if ((standing.progress ?? 0) >= arrived) return true
  const { detail } = standing
  statuses?.report(name, standing.run, 'syncing', {
    ...(TASK_AUTHOR as unknown as ClaimAuthor),
    ...{ task, progress: arrived, total: bytes },
    ...(detail !== undefined && { detail }),
  })
  return true
}

function entriesOf(doc: Y.Doc, id: string): readonly FileEntry[] | undefined {
  return getBlock(doc, id)
    ?.statuses(FILE)
    .entries()
    .map(({ name, status, run, task, detail }): FileEntry => {
      const { sha256, bytes, type } = detail ?? {}
      return {
        name,
        status,
        task,
        run,
        sha256: typeof sha256 === 'string' ? sha256 : undefined,
        bytes: typeof bytes === 'number' ? bytes : undefined,
        type: typeof type === 'string' ? type : undefined,
      }
    })
}
