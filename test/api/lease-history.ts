/** One call of a history: who proved what at which time. Times are ms of the machine's monotonic clock. */
export interface LeaseCall {
  readonly kind: 'acquire' | 'renew' | 'write' | 'release' | 'look'
  readonly name: string
  /** The lease that the call is about; of a look, the one that it saw. */
  readonly fence: number
  /** Whether the lease stood, by the answer. */
  readonly stood: boolean
  readonly sentMs: number
  readonly answeredMs: number
  /** TTL of the lease, ms. */
  readonly ttlMs: number
}

/**
 * Checks a history of leases. `restoredMs` are the times at which an older copy of the data was put back. Each lease of a name has a time in which it stands, in order of the fences. A history is
 * linearizable if every call can take effect at one moment between its sending and its answer, such that it finds what it says:
 * for this object that holds if it holds for each two calls. Returns what is wrong with it.
 */
export function faultsOf(calls: readonly LeaseCall[], restoredMs: readonly number[] = []): string[] {
  const names = new Set(calls.map(({ name }) => name))
  return [...names].flatMap((name) => {
    const own = calls.filter((call) => call.name === name)
    return [...givenTwice(own), ...overlaps(own), ...revived(own), ...endedEarly(own, restoredMs)]
  })
}

function givenTwice(calls: readonly LeaseCall[]): string[] {
  const given = calls.filter(({ kind, stood }) => kind === 'acquire' && stood).map(({ fence }) => fence)
  return given.filter((fence, index) => given.indexOf(fence) !== index).map((fence) => `fence ${fence} was given twice`)
}

/** Calls that found an older lease standing although all of a newer one had been answered before they were sent. */
function overlaps(calls: readonly LeaseCall[]): string[] {
  const faults: string[] = []
  const stood = calls.filter((call) => call.stood).sort((a, b) => b.fence - a.fence)
  // From the newest lease to the oldest: the earliest answer about a newer one.
  let earliest = Number.POSITIVE_INFINITY
  let pending = Number.POSITIVE_INFINITY
  let fence = Number.POSITIVE_INFINITY
  for (const call of stood) {
    if (call.fence < fence) {
      earliest = Math.min(earliest, pending)
      fence = call.fence
    }
    if (earliest < call.sentMs) faults.push(`${tell(call)} found it standing after a newer one had stood`)
    pending = Math.min(pending, call.answeredMs)
  }
  return faults
}

/** Calls that found a lease standing although it had been told to be lost before. */
function revived(calls: readonly LeaseCall[]): string[] {
  const lostMs = new Map<number, number>()
  for (const { fence, stood, answeredMs } of calls) {
    if (!stood) lostMs.set(fence, Math.min(lostMs.get(fence) ?? Number.POSITIVE_INFINITY, answeredMs))
  }
  return calls
    .filter(({ stood, fence, sentMs }) => stood && (lostMs.get(fence) ?? Number.POSITIVE_INFINITY) < sentMs)
    .map((call) => `${tell(call)} found it standing after it had been told to be lost`)
}

/** Calls that were told that the lease is lost before its TTL was over, though nobody had released it. */
function endedEarly(calls: readonly LeaseCall[], restoredMs: readonly number[]): string[] {
  const copyOf = ({ sentMs }: LeaseCall): number => restoredMs.filter((atMs) => atMs <= sentMs).length
  const extended = new Map<number, LeaseCall>()
  const released = new Set<number>()
  const faults: string[] = []
  for (const call of [...calls].sort((a, b) => a.sentMs - b.sentMs)) {
    const last = extended.get(call.fence)
    if (call.kind === 'release') released.add(call.fence)
    if (call.stood && (call.kind === 'acquire' || call.kind === 'renew')) extended.set(call.fence, call)
    if (call.stood || last === undefined || released.has(call.fence) || copyOf(last) !== copyOf(call)) continue
    if (last.answeredMs < call.sentMs && call.answeredMs < last.sentMs + last.ttlMs)
      faults.push(`${tell(call)} was too early`)
  }
  return faults
}

function tell({ kind, name, fence }: LeaseCall): string {
  return `${kind} under fence ${fence} of ${name}`
}
