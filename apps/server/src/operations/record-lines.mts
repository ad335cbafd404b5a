import type { LogRecord } from '@joinery/log'
import { chainOfArchived, readArchive } from '@joinery/log/operations'
import { AppError } from '../app-error.mts'

/**
 * The records of one workspace in an archive as JSON lines, for programs that know nothing of archives: first where the log and its
 * chain begin, then each record with its chain value, and at last how many there were. `packages/log/src/operations/SPEC.md` has the
 * form. Rejects as reading the archive does.
 */
export async function* recordLines(
  workspace: string,
  archive: AsyncIterable<Uint8Array>,
  onRecord: () => void,
): AsyncGenerator<string> {
  let chain: ReturnType<typeof chainOfArchived> | undefined
  let records = 0
  let found = false
  for await (const item of readArchive(archive)) {
    // The system logs of the workspace are in the archive, too.
    if (item.kind === 'workspace')
      chain = item.workspace.workspace === workspace ? chainOfArchived(item.workspace) : undefined
    if (chain === undefined) continue
    if (item.kind === 'workspace') {
      found = true
      const { generation, firstLsn, head } = item.workspace
      const { value, marks } = chain.origin
      yield line({ format: 'joinery records 1', workspace, generation, firstLsn, head, chain: value, marks })
    } else if (item.kind === 'records') {
      for (const record of item.records) {
        onRecord()
        records++
        yield line(fieldsOf(record, chain.chain.take(record)))
      }
    } else if (item.kind === 'workspaceEnd') yield line({ records, chain: chain.chain.point.value })
  }
  if (!found) throw new AppError('failed', `the archive has no workspace ${workspace}`)
}

function fieldsOf({ update, ...record }: LogRecord, chain: string) {
  return { ...record, update: Buffer.from(update).toString('base64'), chain }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}
