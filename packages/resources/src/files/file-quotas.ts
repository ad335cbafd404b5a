import { Journal, type JournalOptions, type WorkspaceLog } from '@joinery/log'
import { TaskError, type Tasks } from '@joinery/tasks'
import { FileError } from './file-error.ts'
import { type FileEvent, FileUse, fileEvents, fileUses, type Hold } from './file-use.ts'
import type { FileLimits } from './upload-plan.ts'

/** Name of the log that counts the bytes of files. */
export const FILES_LOG = '!files'
const ENTRY = { actor: 'joinery', source: 'resources', connection: 'files:' } as const

type QuotaLimits = Pick<FileLimits, 'bytesPerWorkspaceMax' | 'bytesPerPrincipalMax'>
/** An upload that wants to begin. */
export type Wanted = Omit<Hold, 'isBringing'>

export interface FileQuotasOptions {
  /** The log of the name {@link FILES_LOG}. */
  readonly log: WorkspaceLog
  readonly atomically: JournalOptions<FileEvent, FileUse>['atomically']
  readonly limits: QuotaLimits
  readonly tasks: Pick<Tasks, 'find'>
  readonly onUntidy: (error: unknown) => void
}

/** Whether a quota of files is set: nothing is counted otherwise. */
export function hasFileQuota({ bytesPerWorkspaceMax, bytesPerPrincipalMax }: QuotaLimits): boolean {
  return Number.isFinite(bytesPerWorkspaceMax) || Number.isFinite(bytesPerPrincipalMax)
}

/**
 * Bounds the bytes of files that a workspace has, and that a principal has brought. The bytes of an upload count from its beginning. They
 * are given back when it ends without a new file, and those of a file when its workspace is purged.
 */
export class FileQuotas {
  readonly #journal: Journal<FileEvent, FileUse>
  readonly #options: FileQuotasOptions
  /** Uploads whose tasks are being started. */
  readonly #starting = new Set<Wanted>()

  private constructor(journal: Journal<FileEvent, FileUse>, options: FileQuotasOptions) {
    this.#journal = journal
    this.#options = options
  }

  /** Rejects with the log's error. */
  static async open(options: FileQuotasOptions): Promise<FileQuotas> {
    const { log, atomically, onUntidy } = options
    const journal = await Journal.open<FileEvent, FileUse>({
      ...{ log, atomically, onUntidy },
      events: fileEvents,
      states: fileUses,
      empty: () => new FileUse(),
      touchedBy: (event) => ('task' in event ? [`task/${event.task}`] : []),
      keepHistory: { events: 0 },
    })
    return new FileQuotas(journal, options)
  }

  /**
   * Starts an upload under the quotas. Rejects with `quota_files`, and starts nothing then.
   *
   * @param start resolves with the id of the upload's task, which may be one that was started before
   */
  async startWithin<T extends { readonly id: string }>(wanted: Wanted, start: () => Promise<T>): Promise<T> {
    if (this.#refusalOf(wanted) !== undefined) await this.#freeEnded()
    const refusal = this.#refusalOf(wanted)
    if (refusal !== undefined) throw refusal
    // From here to the hold no other upload may take the same bytes.
    this.#starting.add(wanted)
    let held: Promise<void> | undefined
    try {
      const task = await start()
      // It counts by its hold in the turn in which it does not any more as one that starts.
      held = this.hold(task.id, wanted)
      return task
    } finally {
      this.#starting.delete(wanted)
      await held
    }
  }

  /** Counts an upload that has begun, unless it counts already. Resolves once that is on the disk. */
  async hold(task: string, { workspace, principal, bytes, sha256 }: Wanted): Promise<void> {
    if (!this.#use.holds.has(task)) await this.#append({ type: 'held', task, workspace, principal, bytes, sha256 })
  }

  /** Notes that an upload is about to bring a file that its workspace does not have. */
  async bring(task: string): Promise<void> {
    const held = this.#use.holds.get(task)
    if (held === undefined || held.isBringing) return
    // Two blocks may get one file at once: it counts for the first.
    const isBrought = [...this.#use.holds.values()].some(
      ({ workspace, sha256, isBringing }) => isBringing && workspace === held.workspace && sha256 === held.sha256,
    )
    if (!isBrought) await this.#append({ type: 'bringing', task })
  }

  /** Ends an upload whose file is in the store: it counts on if it has brought the file. A repeat changes nothing. */
  async keep(task: string): Promise<void> {
    const held = this.#use.holds.get(task)
    if (held !== undefined) await this.#append({ type: held.isBringing ? 'kept' : 'freed', task })
  }

  /** Gives the bytes of an upload back that has brought nothing. A repeat changes nothing. */
  async free(task: string): Promise<void> {
    if (this.#use.holds.has(task)) await this.#append({ type: 'freed', task })
  }

  /** Gives the bytes of a purged workspace back, and keeps nothing of it. */
  async purge(workspace: string): Promise<void> {
    if (!this.#workspaces.has(workspace)) return
    const removal = { event: { type: 'purged', workspace }, ...ENTRY } as const
    await this.#journal.erase(removal, { event: { type: 'tidied' }, ...ENTRY })
  }

  /** Forgets the workspaces that are not among `names`: a command may have purged them while no server ran. */
  async keepOnly(names: AsyncIterable<string>): Promise<void> {
    const gone = this.#workspaces
    if (gone.size === 0) return
    for await (const name of names) gone.delete(name)
    for (const workspace of gone) await this.purge(workspace)
  }

  async close(): Promise<void> {
    await this.#journal.close()
  }

  get #use(): FileUse {
    return this.#journal.fold
  }

  get #workspaces(): Set<string> {
    const held = [...this.#use.holds.values()].map(({ workspace }) => workspace)
    return new Set([...this.#use.kept.keys(), ...held])
  }

  /** Frees the uploads whose tasks have ended without a word: an operator may end one as it stands. */
  async #freeEnded(): Promise<void> {
    for (const [task, { workspace }] of [...this.#use.holds])
      if (await this.#hasEnded(workspace, task)) await this.free(task)
  }

  async #hasEnded(workspace: string, task: string): Promise<boolean> {
    try {
      return (await this.#options.tasks.find(workspace, task)).endedAt !== undefined
    } catch (error) {
      if (error instanceof TaskError && error.code === 'unknown_task') return true
      throw error
    }
  }

  #refusalOf({ workspace, principal, bytes }: Wanted): FileError | undefined {
    const { bytesPerWorkspaceMax, bytesPerPrincipalMax } = this.#options.limits
    const starting = (isOf: (other: Wanted) => boolean): number =>
      [...this.#starting].filter(isOf).reduce((sum, other) => sum + other.bytes, 0)
    const ofWorkspace = this.#use.ofWorkspace(workspace) + starting((other) => other.workspace === workspace)
    if (ofWorkspace + bytes > bytesPerWorkspaceMax)
      return beyond('the workspace', 'workspace', { used: ofWorkspace, bytes, max: bytesPerWorkspaceMax })
    const ofPrincipal = this.#use.ofPrincipal(principal) + starting((other) => other.principal === principal)
    if (ofPrincipal + bytes > bytesPerPrincipalMax)
      return beyond('you', 'principal', { used: ofPrincipal, bytes, max: bytesPerPrincipalMax })
    return undefined
  }

  #append(event: FileEvent): Promise<void> {
    return this.#journal.append([{ event, ...ENTRY }], { sync: true }).durable
  }
}

interface Amounts {
  readonly used: number
  readonly bytes: number
  readonly max: number
}

function beyond(who: string, of: 'workspace' | 'principal', { used, bytes, max }: Amounts): FileError {
  const have = of === 'workspace' ? 'has' : 'have'
  const message = `${who} ${have} files of ${used} bytes, this one has ${bytes}, and ${max} are allowed: cancel uploads that you do not need, or ask the operator for more`
  return new FileError('quota_files', message, { details: { quota: of, used, bytes, max } })
}
