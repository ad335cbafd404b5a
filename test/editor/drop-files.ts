import type { JSHandle, Page } from 'playwright-core'

export interface TrialFile {
  readonly name: string
  readonly type: string
  /** Content: the text itself, or so many bytes that are made of `seed`. */
  readonly text?: string
  readonly base64?: string
  readonly bytes?: number
  readonly seed?: number
}

/** A picture of one pixel. */
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

/** The transfer of a drop or a paste, made in the page: no file has to be on a disk. */
function transferOf(page: Page, file: TrialFile): Promise<JSHandle<DataTransfer>> {
  return page.evaluateHandle(({ name, type, text, base64, bytes = 0, seed = 1 }) => {
    let content: BlobPart = text ?? ''
    if (base64 !== undefined) content = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
    else if (text === undefined) {
      const words = new Uint32Array(Math.ceil(bytes / 4))
      let state = seed
      for (let index = 0; index < words.length; index++) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
        words[index] = state
      }
      content = new Uint8Array(words.buffer, 0, bytes)
    }
    const transfer = new DataTransfer()
    transfer.items.add(new File([content], name, { type }))
    return transfer
  }, file)
}

/** Drops a file onto the element that `selector` finds. */
export async function dropFile(page: Page, selector: string, file: TrialFile): Promise<void> {
  const dataTransfer = await transferOf(page, file)
  const target = page.locator(selector).first()
  await target.dispatchEvent('dragover', { dataTransfer })
  await target.dispatchEvent('drop', { dataTransfer })
}

/** Drops so many small files onto an element, and a folder beside them, which a browser lists as a file that can't be read. */
export async function dropMany(page: Page, selector: string, count: number, folder?: string): Promise<void> {
  const dataTransfer = await page.evaluateHandle(
    ({ count: many, folder: unread }) => {
      const transfer = new DataTransfer()
      for (let n = 1; n <= many; n++) transfer.items.add(new File([`file ${n}`], `f${n}.txt`, { type: 'text/plain' }))
      if (unread === undefined) return transfer
      const named = new File([''], unread)
      Object.defineProperty(named, 'slice', {
        value: () => ({ arrayBuffer: () => Promise.reject(new Error('a folder')) }),
      })
      const files = [...transfer.files, named]
      Object.defineProperty(transfer, 'files', { value: files })
      return transfer
    },
    { count, folder },
  )
  const target = page.locator(selector).first()
  await target.dispatchEvent('dragover', { dataTransfer })
  await target.dispatchEvent('drop', { dataTransfer })
}

/** Pastes a file where `selector` is. */
export async function pasteFile(page: Page, selector: string, file: TrialFile): Promise<void> {
  const transfer = await transferOf(page, file)
  const target = page.locator(selector).first()
  await target.evaluate((element, clipboardData) => {
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, transfer)
}

/** The content of a file of so many bytes that is made of `seed`. */
export function bytesOfSeed(bytes: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(bytes / 4))
  let state = seed
  for (let index = 0; index < words.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    words[index] = state
  }
  return Buffer.from(words.buffer, 0, bytes)
}
