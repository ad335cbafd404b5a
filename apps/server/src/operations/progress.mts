import { SingleBar } from 'cli-progress'

/** A bar on stderr for people, nothing for pipes and files. */
export interface ProgressBar {
  readonly onProgress: (done: number, total: number) => void
  stop(): void
}

export function openProgressBar(unit: string): ProgressBar {
  if (!process.stderr.isTTY) return { onProgress: () => undefined, stop: () => undefined }
  const format = `{bar} {value}/{total} ${unit}, {eta_formatted} left`
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, clearOnComplete: true })
  let isStarted = false
  return {
    onProgress: (done, total) => {
      if (!isStarted) bar.start(total, done)
      isStarted = true
      bar.setTotal(total)
      bar.update(done)
    },
    stop: () => bar.stop(),
  }
}
