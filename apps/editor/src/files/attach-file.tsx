import { uploadsOf } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { type ReactNode, useRef } from 'react'
import { useCanWrite } from '../keys/use-can-write.ts'
import { FilePicker } from './file-picker.tsx'

/** Gives a block files that a person chooses: nobody drags by a keyboard or on a phone. */
export function AttachFile({ id, title }: { readonly id: string; readonly title: string }): ReactNode {
  // Not by a hook that follows uploads: all cards would render at each step of one.
  const uploads = uploadsOf(useWorkspace())
  const picker = useRef<HTMLInputElement>(null)
  if (!useCanWrite()) return null
  return (
    <>
      <button type="button" className="quiet" onClick={() => picker.current?.click()}>
        Add file<span className="hidden"> to {title}</span>
      </button>
      <FilePicker ref={picker} onFile={(file) => uploads.upload(id, file)} isMultiple />
    </>
  )
}
