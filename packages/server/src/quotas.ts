/** The quotas of one principal, apart from time of the event loop. All are off by default. */
export interface QuotaLimits {
  /** Workspaces that one principal may create, purged ones included: each keeps a number in the log for good. */
  readonly workspacesPerPrincipalMax: number
  /** Bytes of updates that one principal may log in one day (UTC). */
  readonly bytesPerDayMax: number
  /** Idempotency keys that one principal may use. Each stays for good, and takes about a kilobyte. */
  readonly keysPerPrincipalMax: number
}

export const NO_QUOTAS: QuotaLimits = {
  workspacesPerPrincipalMax: Number.POSITIVE_INFINITY,
  bytesPerDayMax: Number.POSITIVE_INFINITY,
  keysPerPrincipalMax: Number.POSITIVE_INFINITY,
}

/** The use of one principal. */
export interface QuotaUse {
  readonly principal: string
  readonly workspaces: number
  readonly keys: number
  /** The day that `bytes` are of: days since the epoch (UTC). */
  readonly day: number
  readonly bytes: number
}

/** The use that an edit would add. */
export interface QuotaNeed {
  /** True when the edit makes its workspace. */
  readonly makesWorkspace: boolean
  /** True when the edit has an idempotency key. */
  readonly hasKey: boolean
  /** Bytes of the update, as far as they are known before the edit is made. */
  readonly bytes: number
}

export interface QuotaRefusal {
  readonly code: 'quota_workspaces' | 'quota_bytes' | 'quota_keys'
  readonly reason: string
}

export interface QuotasOptions {
  readonly limits?: Partial<QuotaLimits>
  /** Use in earlier runs of the server. */
  readonly known?: readonly QuotaUse[]
  /** Keeps all use over a restart. Without it, the counts begin anew with the process. */
  readonly save?: (all: readonly QuotaUse[]) => Promise<void>
  /** Tells the other servers what this one has counted. It is called with the uses that have changed, soon after a change. */
  readonly share?: (changed: readonly QuotaUse[]) => Promise<void>
  /** Told of a failed `save` or `share`: it is tried again. */
  readonly onSaveFailed?: (error: unknown) => void
  /** The clock, ms since epoch. */
  readonly now?: () => number
}

type Used = { -readonly [K in keyof QuotaUse]: QuotaUse[K] }

const DAY_MS = 86_400_000
/**
 * Time between a change and its save, ms. A process that is killed forgets the use of this time, which is little beside any
 * quota.
 */
const SAVE_MS = 10_000
/** Time between a change and its telling, ms. In this time a principal may go beyond a quota over several servers. */
const SHARE_MS = 1_000

/** Time until the bytes of a day are counted anew, s. */
export function secondsToTomorrow(nowMs = Date.now()): number {
  return Math.ceil((DAY_MS - (nowMs % DAY_MS)) / 1000)
}

/** Counts what each principal uses, and refuses more than its quotas. One object is shared by everything that writes. */
export class Quotas {
  readonly limits: QuotaLimits
  /** True when no quota is set: nothing is counted then. */
  readonly areOff: boolean
  readonly #options: QuotasOptions
  readonly #used = new Map<string, Used>()
  /** Use that other servers have counted, by principal and server. */
  readonly #elsewhere = new Map<string, Map<string, QuotaUse>>()
  /** Principals whose use the other servers do not know yet. */
  readonly #unshared = new Set<string>()
  #saving: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #sharing: Promise<void> = Promise.resolve()
  #shareTimer: NodeJS.Timeout | undefined

  constructor(options: QuotasOptions = {}) {
    this.limits = { ...NO_QUOTAS, ...options.limits }
    this.areOff = Object.values(this.limits).every((max) => max === Number.POSITIVE_INFINITY)
    this.#options = options
    for (const use of options.known ?? []) this.#used.set(use.principal, { ...use })
    for (const principal of this.#used.keys()) this.#shareLater(principal)
  }

  /** Number of principals that are counted. */
  get size(): number {
    return this.#used.size
  }

  /** The refusal of an edit that would go beyond a quota of `principal`; undefined when it may be made. */
  refusalOf(principal: string, need: QuotaNeed): QuotaRefusal | undefined {
    if (this.areOff) return undefined
    const { workspacesPerPrincipalMax, bytesPerDayMax, keysPerPrincipalMax } = this.limits
    const { workspaces, keys, bytes } = this.#useOfAll(principal)
    if (need.makesWorkspace && workspaces >= workspacesPerPrincipalMax) {
      const reason = `you have created ${workspaces} workspaces, and may create ${workspacesPerPrincipalMax}: ask the operator for more`
      return { code: 'quota_workspaces', reason }
    }
    if (need.hasKey && keys >= keysPerPrincipalMax) {
      const reason = `you have used ${keys} idempotency keys, and may use ${keysPerPrincipalMax}: write without a key, or ask the operator for more`
      return { code: 'quota_keys', reason }
    }
    if (bytes >= bytesPerDayMax || bytes + need.bytes > bytesPerDayMax) {
      const reason = `you have written ${bytes} bytes today (UTC), ${need.bytes} more come now, and you may write ${bytesPerDayMax} a day: go on tomorrow`
      return { code: 'quota_bytes', reason }
    }
    return undefined
  }

  /** Counts what an edit has used. */
  count(principal: string, need: QuotaNeed): void {
    if (this.areOff) return
    const use = this.#useOf(principal)
    if (need.makesWorkspace) use.workspaces++
    if (need.hasKey) use.keys++
    use.bytes += need.bytes
    this.#used.set(principal, use)
    this.#shareLater(principal)
    if (this.#options.save === undefined) return
    this.#timer ??= setTimeout(() => void this.#save(), SAVE_MS).unref()
  }

  /**
   * Takes what another server has counted of a principal, which counts beside what this one does. The use that this server itself had told
   * in an earlier run is merged with what it knows: it may have lost its disk, or a few seconds of it.
   */
  learn(server: string | 'own', use: QuotaUse): void {
    if (this.areOff) return
    const { principal } = use
    if (server !== 'own') {
      const uses = this.#elsewhere.get(principal) ?? new Map<string, QuotaUse>()
      this.#elsewhere.set(principal, uses.set(server, use))
      return
    }
    const own = this.#used.get(principal)
    if (own === undefined) return void this.#used.set(principal, { ...use })
    own.workspaces = Math.max(own.workspaces, use.workspaces)
    own.keys = Math.max(own.keys, use.keys)
    if (own.day < use.day) Object.assign(own, { day: use.day, bytes: use.bytes })
    else if (own.day === use.day) own.bytes = Math.max(own.bytes, use.bytes)
  }

  /** Saves and tells what has changed, for a server that closes. Rejects when it can't be saved. */
  async close(): Promise<void> {
    if (this.#shareTimer !== undefined) void this.#share()
    if (this.#timer !== undefined) void this.#save()
    await Promise.all([this.#saving, this.#sharing])
    clearTimeout(this.#shareTimer)
  }

  get #now(): number {
    return this.#options.now?.() ?? Date.now()
  }

  /** The use of a principal, of today: a day that is over counts no more, and a clock that goes back begins no new day. */
  #useOf(principal: string): Used {
    const day = Math.floor(this.#now / DAY_MS)
    const use = this.#used.get(principal) ?? { principal, workspaces: 0, keys: 0, day, bytes: 0 }
    if (use.day < day) Object.assign(use, { day, bytes: 0 })
    return use
  }

  /** The use of a principal on all servers. */
  #useOfAll(principal: string): Pick<QuotaUse, 'workspaces' | 'keys' | 'bytes'> {
    const own = this.#useOf(principal)
    let { workspaces, keys, bytes } = own
    for (const use of this.#elsewhere.get(principal)?.values() ?? []) {
      workspaces += use.workspaces
      keys += use.keys
      if (use.day === own.day) bytes += use.bytes
    }
    return { workspaces, keys, bytes }
  }

  #shareLater(principal: string): void {
    if (this.#options.share === undefined || this.areOff) return
    this.#unshared.add(principal)
    this.#shareTimer ??= setTimeout(() => void this.#share(), SHARE_MS).unref()
  }

  /** One call at a time: the last has what is not told yet. */
  #share(): Promise<void> {
    clearTimeout(this.#shareTimer)
    this.#shareTimer = undefined
    const principals = [...this.#unshared]
    this.#unshared.clear()
    const changed = principals.map((principal) => ({ ...this.#useOf(principal) }))
    this.#sharing = this.#sharing
      .then(() => this.#options.share?.(changed))
      .catch((error: unknown) => {
        this.#options.onSaveFailed?.(error)
        for (const principal of principals) this.#shareLater(principal)
      })
    return this.#sharing
  }

  /** One save at a time: the last has everything. */
  #save(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#forgetIdle()
    const all = Array.from(this.#used.values(), (use) => ({ ...use }))
    const saved = this.#saving.then(() => this.#options.save?.(all))
    this.#saving = saved.catch((error: unknown) => {
      this.#options.onSaveFailed?.(error)
      this.#timer ??= setTimeout(() => void this.#save(), SAVE_MS).unref()
    })
    return this.#saving
  }

  /** Forgets those that have used nothing but bytes of days that are over. */
  #forgetIdle(): void {
    const day = Math.floor(this.#now / DAY_MS)
    for (const [principal, use] of this.#used) {
      if (use.day < day && use.workspaces === 0 && use.keys === 0) this.#used.delete(principal)
    }
  }
}
