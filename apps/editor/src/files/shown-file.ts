import { FILE, type MachineClaim } from '@joinery/blocks'
import type { ProgressSteps } from '@joinery/client'
import type { ShownUpload } from '@joinery/react'

/** Whether a status is of a file that was uploaded to the server's store, which knows it by its digest. */
export function isUploaded({ machine, detail }: MachineClaim): boolean {
  return machine === FILE.name && typeof detail?.sha256 === 'string'
}

/** One file of a block, from what the document, the others' presence and this page's own uploads say. */
export interface ShownFile {
  readonly name: string
  readonly state: 'reading' | 'waiting' | 'uploading' | 'checking' | 'synced' | 'failed' | 'canceled'
  readonly bytes: number
  readonly sent: number
  readonly type: string
  readonly by: string
  readonly error: string | undefined
  readonly run: number | undefined
  /** Whether somebody who is here uploads it. */
  readonly isLive: boolean
  /** This page's own upload. */
  readonly own: ShownUpload | undefined
}

/** The files of a block: those that its statuses show, and own uploads that the server has not begun yet. */
export function filesOf(
  block: string,
  entries: readonly MachineClaim[],
  uploads: readonly ShownUpload[],
  progress: ProgressSteps,
): readonly ShownFile[] {
  const shown = entries.filter(isUploaded).map((entry): ShownFile => {
    const { name, status, total = 0, detail, error, run } = entry
    const isOver = status === 'synced' || status === 'failed'
    // The document may tell of an upload before the answer to this page does: until then it is known by its name.
    const own =
      uploads.find((each) => each.id === run.id) ??
      (isOver ? undefined : uploads.find((each) => each.id === undefined && each.name === name))
    const told = progress[`${block}/file@1/${name}`]
    const live = told?.run === run.id ? told : undefined
    const sent = Math.max(entry.progress ?? 0, live?.done ?? 0, own?.sent ?? 0)
    return {
      name,
      state: isOver ? status : (own?.state ?? (total > 0 && sent >= total ? 'checking' : 'uploading')),
      bytes: typeof detail?.bytes === 'number' ? detail.bytes : total,
      sent: Math.min(sent, total),
      type: typeof detail?.type === 'string' ? detail.type : '',
      by: typeof detail?.by === 'string' ? detail.by : '',
      // The server calls an upload canceled that this page gave up, and the page knows why.
      error: own?.state === 'failed' ? own.error : (error ?? own?.error),
      run: run.no,
      isLive: live !== undefined || own !== undefined,
      own,
    }
  })
  const known = new Set(entries.map(({ run }) => run.id))
  const drawn = new Set(shown.map(({ own }) => own))
  const early = uploads.filter(
    (own) => !drawn.has(own) && (own.id === undefined || !known.has(own.id)) && own.state !== 'synced',
  )
  return [...shown, ...early.map(earlyFile)]
}

function earlyFile(own: ShownUpload): ShownFile {
  const { name, state, bytes, sent, error } = own
  return { name, state, bytes, sent, type: own.upload.file.type, by: '', error, run: undefined, isLive: true, own }
}

/** How a file is, in words. */
export function fileWords({ state, sent, bytes, error, isLive }: ShownFile): string {
  const share = bytes > 0 ? `${Math.floor((100 * sent) / bytes)} %` : ''
  switch (state) {
    case 'reading':
      return `reading ${share}`
    case 'uploading':
      return isLive ? `uploading ${share}` : `interrupted at ${share}`
    case 'waiting':
      return error ?? 'waiting for the server'
    case 'checking':
      return 'checking'
    case 'synced':
      return 'saved'
    case 'canceled':
      return 'canceled'
    case 'failed':
      return error ?? 'failed'
  }
}
