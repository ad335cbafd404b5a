import type { ReactNode, Ref } from 'react'

interface FilePickerProps {
  readonly ref: Ref<HTMLInputElement>
  readonly onFile: (file: File) => unknown
  readonly isMultiple?: boolean
}

/** The browser's own dialog for files, which a click on the element opens. */
export function FilePicker({ ref, onFile, isMultiple = false }: FilePickerProps): ReactNode {
  return (
    <input
      ref={ref}
      type="file"
      hidden
      multiple={isMultiple}
      onChange={({ currentTarget }) => {
        for (const file of currentTarget.files ?? []) onFile(file)
        // The same file may be chosen once more.
        currentTarget.value = ''
      }}
    />
  )
}
