/** Whether a drag holds files. Their names are known only once they are dropped. */
export function hasFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes('Files') === true
}

export interface Dropped {
  readonly files: readonly File[]
  /** Names of what can't be read: folders, for the most part. */
  readonly others: readonly string[]
}

/** The files of a drop, and what else it holds. */
export async function filesIn(transfer: DataTransfer | null): Promise<Dropped> {
  const all = [...(transfer?.files ?? [])]
  const readable = await Promise.all(all.map(isReadable))
  return {
    files: all.filter((_, index) => readable[index]),
    others: all.filter((_, index) => !readable[index]).map(({ name }) => name),
  }
}

/** A browser lists a folder as a file, and reading it fails. */
async function isReadable(file: File): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer()
    return true
  } catch {
    return false
  }
}

/** Whether a paste is of files and of no text: a table from an office program comes as text and as a picture of it. */
export function isPasteOfFile(data: DataTransfer | null): boolean {
  if (data === null || data.files.length === 0) return false
  return !data.types.some((type) => type === 'text/plain' || type === 'text/rtf')
}

/** Greatest number of characters that a paste or a drop puts into a text. A browser's text field takes seconds for more, and the server ends connections that send 64 MiB at once. */
export const TEXT_PASTE_MAX = 4_000_000

/** The text that a person pastes or drops into a text, if it is too long for one: as a file. */
export function tooLongText(data: DataTransfer | null, target: EventTarget | null): File | undefined {
  const isText = target instanceof Element && target.closest('textarea:not([readonly]), [contenteditable="true"]')
  const text = isText ? (data?.getData('text/plain') ?? '') : ''
  if (text.length <= TEXT_PASTE_MAX) return undefined
  return new File([text], 'pasted text.txt', { type: 'text/plain' })
}
