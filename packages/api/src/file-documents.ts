import { FILE, getBlock } from '@joinery/blocks'
import type { FileDocuments, FileEntry } from '@joinery/resources'
import { programPayer, type Server, type WorkspaceId } from '@joinery/server'
import type * as Y from 'yjs'

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
  }
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
