import { FILE, type MachineClaim } from '@joinery/blocks'
import { useObservable, useStatuses, useUpload, useWorkspace } from '@joinery/react'
import { type ReactNode, useRef } from 'react'
import { useCanWrite } from '../keys/use-can-write.ts'
import { byteWords } from './byte-words.ts'
import { downloadFile } from './download-file.ts'
import { FilePicker } from './file-picker.tsx'
import { FileThumbnail } from './file-thumbnail.tsx'
import { filesOf, fileWords, type ShownFile } from './shown-file.ts'

interface BlockFilesProps {
  readonly id: string
}

/** The files of a block: each with its picture, name, size and how far it is. Nothing where it has none. */
export function BlockFiles({ id }: BlockFilesProps): ReactNode {
  const entries = useStatuses(id, FILE)
  const upload = useUpload(id)
  // Most blocks have none, and then nobody's progress draws them.
  if (entries.length === 0 && upload.uploads.length === 0) return null
  return <FileList id={id} entries={entries} upload={upload} />
}

interface FileListProps extends BlockFilesProps {
  readonly entries: readonly MachineClaim[]
  readonly upload: ReturnType<typeof useUpload>
}

function FileList({ id, entries, upload: { uploads, upload, retry, dismiss } }: FileListProps): ReactNode {
  const workspace = useWorkspace()
  const progress = useObservable(workspace.presence.progress)
  const picker = useRef<HTMLInputElement>(null)
  const canWrite = useCanWrite()
  const files = filesOf(id, entries, uploads, progress)
  if (files.length === 0) return null
  const retryOnClick = ({ own }: ShownFile): void => {
    // After a reload only the person can give the file again.
    if (own === undefined) picker.current?.click()
    else retry(own.upload)
  }
  return (
    <>
      <ul className="files" aria-label="Files">
        {files.map((file) => {
          const { name, state, bytes, sent, own } = file
          const isOver = state === 'synced' || state === 'failed' || state === 'canceled'
          return (
            <li
              key={name}
              className={`file ${state}`}
              data-machine={FILE.name}
              data-resource={name}
              data-state={state}
              data-run={file.run}
            >
              <FileThumbnail block={id} file={file} />
              <div>
                {state === 'synced' ? (
                  <button type="button" className="quiet name" onClick={() => void downloadFile(workspace, id, name)}>
                    {name}
                    <span className="hidden"> (download)</span>
                  </button>
                ) : (
                  <span className="name">{name}</span>
                )}
                <span className="soft">
                  {byteWords(bytes)}, {fileWords(file)}
                </span>
                {!isOver && bytes > 0 && <progress max={bytes} value={sent} aria-label={`Progress of ${name}`} />}
              </div>
              {canWrite && (state === 'failed' || state === 'canceled') && (
                <button type="button" onClick={() => retryOnClick(file)}>
                  Try again<span className="hidden"> with {name}</span>
                </button>
              )}
              {own !== undefined && !isOver && (
                <button type="button" className="quiet" onClick={() => void own.upload.cancel()}>
                  Cancel<span className="hidden"> {name}</span>
                </button>
              )}
              {own !== undefined && file.run === undefined && isOver && (
                <button type="button" className="quiet" onClick={() => dismiss(own.upload)}>
                  Dismiss<span className="hidden"> {name}</span>
                </button>
              )}
            </li>
          )
        })}
      </ul>
      <FilePicker ref={picker} onFile={upload} />
    </>
  )
}
