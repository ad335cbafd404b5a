import type { WaitOptions } from '../abort.ts'
import { askServer } from '../history-request.ts'
import { type Observable, ObservableValue } from '../observable-value.ts'
import type { Workspace } from '../workspace.ts'
import { Places } from './places.ts'
import { PARTS_AT_ONCE, READ_AT_ONCE, Upload, type UploadOptions } from './upload.ts'

/** A file of a block that can be downloaded for a short time. */
export interface Download {
  readonly name: string
  readonly bytes: number
  readonly type: string
  /** SHA-256 of the content, 64 hexadecimal digits. */
  readonly sha256: string
  /** A secret: everybody who has it can read the file. */
  readonly url: string
  /** ms since epoch; ask again afterwards. */
  readonly expiresAt: number
}

/** A URL is asked for anew when it has less time left than this, ms. */
const FRESH_MS = 60_000
/** Downloads whose URLs are kept. */
const KEPT_MAX = 500

/** The files of a workspace. Made by {@link uploadsOf}. */
export class WorkspaceUploads {
  readonly #workspace: Workspace
  readonly #turns = { parts: new Places(PARTS_AT_ONCE), readers: new Places(READ_AT_ONCE) }
  readonly #own = new ObservableValue<readonly Upload[]>([])
  readonly #downloads = new Map<string, Promise<Download>>()

  /** Use {@link uploadsOf}. */
  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  /** The uploads of this client, the oldest first, until they are {@link dismiss}ed. */
  get own(): Observable<readonly Upload[]> {
    return this.#own
  }

  /**
   * Uploads a file to a block: straight to the store, a few parts at once. The same content goes on where an earlier upload of it was
   * interrupted, by a reload for one. The block's status of the machine `file@1` shows it to everybody.
   */
  upload(block: string, file: Blob, options: UploadOptions = {}): Upload {
    const upload = new Upload(this.#workspace, this.#turns, block, file, options)
    this.#own.set([...this.#own.get(), upload])
    return upload
  }

  /** Takes an upload that has ended out of {@link own}. */
  dismiss(upload: Upload): void {
    this.#own.set(this.#own.get().filter((each) => each !== upload))
  }

  /**
   * A URL from which a block's file can be downloaded now. The same one until it is about to expire, so that a browser keeps what it
   * shows. Rejects with `request_refused` (`unknown_file`).
   */
  async download(block: string, name: string, { signal }: WaitOptions = {}): Promise<Download> {
    const key = JSON.stringify([block, name])
    const kept = await this.#downloads.get(key)?.catch(() => undefined)
    if (kept !== undefined && kept.expiresAt - Date.now() > FRESH_MS) return kept
    const path = `/blocks/${encodeURIComponent(block)}/files/${encodeURIComponent(name)}`
    const { target } = this.#workspace
    const asked = askServer<Download>(target, { path, signal }).then((found) => ({
      ...found,
      url: new URL(found.url, `${target.url.replace(/^ws/, 'http')}/`).href,
    }))
    this.#downloads.set(key, asked)
    asked.catch(() => this.#downloads.delete(key))
    const [oldest] = this.#downloads.keys()
    if (this.#downloads.size > KEPT_MAX && oldest !== undefined) this.#downloads.delete(oldest)
    return asked
  }
}

const uploads = new WeakMap<Workspace, WorkspaceUploads>()

/** The files of `workspace`; one object for each. Not a part of `Workspace`: an application without files need not load it. */
export function uploadsOf(workspace: Workspace): WorkspaceUploads {
  let own = uploads.get(workspace)
  if (own === undefined) {
    own = new WorkspaceUploads(workspace)
    uploads.set(workspace, own)
  }
  return own
}
