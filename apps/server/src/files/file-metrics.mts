import { UPLOAD_SAGA } from '@joinery/resources'
import { Counter, type Registry } from 'prom-client'
import type { CountedTasks } from '../task-metrics.mts'
import type { ServedFiles } from './served-files.mts'

/** Outcomes of an upload by the last state of its task. All others are `failed`. */
const OUTCOMES: Readonly<Record<string, string>> = { done: 'synced', canceled: 'canceled' }

/** Adds the numbers of uploads to `registry`. An upload counts when its task ends. */
export function watchFiles(
  registry: Registry,
  files: Pick<ServedFiles, 'uploadedBytes'>,
  tasks: Pick<CountedTasks, 'counts'>,
): void {
  const uploads = new Counter({
    name: 'joinery_uploads_total',
    help: 'Uploads of files that ended, by outcome: synced, canceled or failed',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      uploads.reset()
      for (const { labels, value } of tasks.counts.ended) {
        if (labels.definition !== UPLOAD_SAGA) continue
        uploads.inc({ outcome: OUTCOMES[labels.state ?? ''] ?? 'failed' }, value)
      }
    },
  })
  const bytes = new Counter({
    name: 'joinery_upload_bytes_total',
    help: 'Bytes of uploaded files that were read back from the store',
    registers: [registry],
    collect() {
      bytes.reset()
      bytes.inc(files.uploadedBytes)
    },
  })
}
