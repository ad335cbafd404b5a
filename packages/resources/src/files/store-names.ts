import { FileError } from './file-error.ts'
import type { FileRef, UploadName } from './file-store.ts'

const SCOPE = /^[\da-f]{32}$/
const KEY = /^[\w-]{1,64}$/
const DIGEST = /^[\da-f]{64}$/

/** The folder of a scope. Throws `invalid`, as all of these do: no text from outside becomes a path or a key. */
export function scopeName(scope: string): string {
  return checked(SCOPE, scope)
}

/** The folder of an upload within {@link UPLOADS} of its scope. */
export function uploadName({ key }: UploadName): string {
  return checked(KEY, key)
}

/** The name of a file within its scope. */
export function fileName({ sha256 }: Pick<FileRef, 'sha256'>): string {
  return checked(DIGEST, sha256)
}

/** Name of the folder of uploads in a scope: no digest begins with a dot. */
export const UPLOADS = '.uploads'

function checked(form: RegExp, text: string): string {
  if (form.test(text)) return text
  throw new FileError('invalid', `${JSON.stringify(text.slice(0, 80))} is no name of a file in the store`)
}
