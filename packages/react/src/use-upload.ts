import { type Upload, type UploadOptions, type UploadState, uploadsOf } from '@joinery/client'
import { useCallback, useMemo, useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/** An upload of this client, as it is now. */
export interface ShownUpload extends UploadState {
  readonly upload: Upload
}

export interface BlockUploads {
  /** The uploads of this client to the block, the oldest first, until they are dismissed. */
  readonly uploads: readonly ShownUpload[]
  /** Uploads a file to the block. */
  readonly upload: (file: Blob, options?: UploadOptions) => Upload
  /** Uploads the file of an upload that has failed once more. */
  readonly retry: (upload: Upload) => Upload
  readonly dismiss: (upload: Upload) => void
}

const NONE: readonly ShownUpload[] = []

/** The uploads of this client to a block. Renders when one of them goes on. */
export function useUpload(block: string): BlockUploads {
  const workspace = useWorkspace()
  const files = uploadsOf(workspace)
  const store = useMemo(() => {
    let shown = NONE
    const get = (): readonly ShownUpload[] => {
      const next = files.own.get().filter((upload) => upload.block === block)
      const isSame = next.length === shown.length && next.every((upload, at) => isShown(shown[at], upload))
      if (!isSame) shown = next.length === 0 ? NONE : next.map((upload) => ({ ...upload.state.get(), upload }))
      return shown
    }
    const subscribe = (listener: () => void): (() => void) => {
      const stops = new Map<Upload, () => void>()
      const follow = (): void => {
        for (const upload of files.own.get()) {
          if (upload.block === block && !stops.has(upload)) stops.set(upload, upload.state.subscribe(listener))
        }
        listener()
      }
      const stop = files.own.subscribe(follow)
      follow()
      return () => {
        stop()
        for (const unsubscribe of stops.values()) unsubscribe()
      }
    }
    return { get, subscribe }
  }, [files, block])
  const uploads = useSyncExternalStore(store.subscribe, store.get, () => NONE)
  const upload = useCallback(
    (file: Blob, options: UploadOptions = {}) => files.upload(block, file, options),
    [files, block],
  )
  const retry = useCallback(
    (failed: Upload) => {
      files.dismiss(failed)
      return files.upload(failed.block, failed.file, { name: failed.state.get().name })
    },
    [files],
  )
  const dismiss = useCallback((ended: Upload) => files.dismiss(ended), [files])
  return { uploads, upload, retry, dismiss }
}

function isShown(shown: ShownUpload | undefined, upload: Upload): boolean {
  const { state, sent, name, error, id } = upload.state.get()
  return (
    shown !== undefined &&
    shown.upload === upload &&
    shown.state === state &&
    shown.sent === sent &&
    shown.name === name &&
    shown.error === error &&
    shown.id === id
  )
}
