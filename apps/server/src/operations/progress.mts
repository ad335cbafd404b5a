import { SingleBar } from 'cli-progress'
import { formatBytes } from './table.mts'

/** A progress bar on stderr if that is a terminal; otherwise it shows nothing. */
export interface ProgressBar {
  readonly onProgress: (done: number, total: number) => void
  /** Shows the bytes so far instead of a bar, if the total is unknown. */
  readonly onBytes: (bytes: number) => void
  stop(): void
}

/** Least time between two updates of the line, ms: a person can't read faster. */
const SHOW_MS = 100
const CLEAR_LINE = '\r\u001b[K'

export function openProgressBar(unit: string): ProgressBar {
  const nothing = (): void => undefined
  if (!process.stderr.isTTY) return { onProgress: nothing, onBytes: nothing, stop: nothing }
  const format = `{bar} {value}/{total} ${unit}, {eta_formatted} left`
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, clearOnComplete: true })
  let isStarted = false
  let shownMs: number | undefined
  return {
    onProgress: (done, total) => {
      if (!isStarted) bar.start(total, done)
      isStarted = true
      bar.setTotal(total)
      bar.update(done)
    },
    onBytes: (bytes) => {
      const nowMs = performance.now()
      if (shownMs !== undefined && nowMs - shownMs < SHOW_MS) return
      shownMs = nowMs
      process.stderr.write(`${CLEAR_LINE}${formatBytes(bytes)} so far`)
    },
    stop: () => {
      bar.stop()
      if (shownMs !== undefined) process.stderr.write(CLEAR_LINE)
      shownMs = undefined
    },
  }
}
