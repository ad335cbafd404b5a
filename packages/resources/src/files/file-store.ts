/** The name of an upload, the same after every crash. */
export interface UploadName {
  readonly scope: string
  /** Made by the upload's task: letters, digits, `_` and `-`. */
  readonly key: string
}

/** One upload of a store. */
export interface UploadRef extends UploadName {
  /** The store's own id of the upload, as {@link FileStore.begin} gave it. */
  readonly id: string
}

/** One file of a store, by its content. */
export interface FileRef {
  /** The files of a scope are never given for another one. {@link scopeOf} makes it of a workspace's name. */
  readonly scope: string
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly sha256: string
  readonly bytes: number
}

/** A part that has arrived. */
export interface Part {
  /** Number of the part, from 1. */
  readonly n: number
  readonly bytes: number
  /** The store's tag of the content, as it gave it. */
  readonly etag: string
}

/** A URL that lets its bearer do one thing for a short time. It is a secret: it is never logged or kept in a journal. */
export interface ShortUrl {
  /** Absolute, or a path of the server that gave it. */
  readonly url: string
  readonly expiresAtMs: number
}

/** A name and type for people, which say how a browser saves or shows a download. */
export interface Shown {
  readonly name: string
  readonly type: string
}

/** A part of the contract that a store lacks. The suite names it, so that nothing stays untested in silence. */
export type Lack =
  /** Parts of an upload can't be listed: an upload that was interrupted begins anew. */
  | 'list_parts'
  /** Uploads can't be listed: a server that is killed right after `begin` may leave an empty one behind. */
  | 'list_uploads'
  /** An upload can't be aborted: parts stay until a rule of the bucket removes them. */
  | 'abort'

/**
 * Holds files by their content. All calls may be repeated: the second one finds what the first has done. They reject with
 * `FileError`.
 */
export interface FileStore {
  readonly kind: 'disk' | 's3'
  /** Origin of the store's URLs, which a page's policy must allow; undefined for the server's own. */
  readonly origin: string | undefined
  readonly lacks: ReadonlySet<Lack>
  /** Rejects with `store_full` if the store is known to have no room for so many bytes more. */
  assertRoom(bytes: number): Promise<void>
  /** Begins an upload, or finds the one of this name. Resolves with the store's id of it. */
  begin(upload: UploadName): Promise<string>
  /** A URL for `PUT` of one part, which has exactly `bytes` bytes. */
  urlOfPart(upload: UploadRef, part: { readonly n: number; readonly bytes: number }): Promise<ShortUrl>
  /** The parts that have arrived, by number. Rejects with `unknown_upload` for one that was completed or aborted. */
  parts(upload: UploadRef): Promise<readonly Part[]>
  /** Joins the parts. Rejects with `upload_incomplete` if one is not there, or is another by now. */
  complete(upload: UploadRef, parts: readonly Part[]): Promise<void>
  /**
   * Reads what {@link complete} has joined, and makes it the file of its content. Rejects with `wrong_digest` if the bytes are
   * others than `file` says; then the upload is gone.
   *
   * @param onBytes called with the number of bytes that were read so far
   */
  publish(upload: UploadRef, file: FileRef, onBytes?: (bytes: number) => void): Promise<void>
  /** Removes the upload, whatever its state. One that is not there is no error. */
  abort(upload: UploadRef): Promise<void>
  /** Whether the file is there, with this number of bytes. */
  has(file: FileRef): Promise<boolean>
  /** A URL for `GET` of a file. Pages can't run what it gives as part of the server's own. */
  urlOf(file: FileRef, shown: Shown): Promise<ShortUrl>
  /** Removes all files and uploads of a scope, for a workspace that is purged. */
  removeScope(scope: string): Promise<void>
}
