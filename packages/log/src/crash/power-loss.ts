import type { Happening } from './record-run.ts'

/** Gives uniform random numbers in [0, 1). */
type Random = () => number

/** Bytes of a page: the unit in which a disk is written. */
const PAGE_BYTES = 4_096

interface File {
  readonly parts: Buffer[]
  bytes: number
  /** The bytes that are on the disk for good. */
  syncedBytes: number
  /** How many names had been changed when this file last got one. */
  namedAt: number
}

type NameChange =
  | { readonly what: 'created'; readonly name: string; readonly file: File }
  | { readonly what: 'renamed'; readonly name: string; readonly to: string }
  | { readonly what: 'removed'; readonly name: string }

/**
 * A directory as a machine holds it: the bytes on the disk, and those in memory that power loss may take. The model is
 * that of SPEC.md, "Crashes". A file keeps what was there when its last fsync began, and a prefix of the rest, whose
 * last page may be zeros or anything. Names change in order; they are there for good up to the last fsync of the
 * directory, or of a file that got its name then. An `unordered` disk may lose any page that was not fsynced and keep
 * later ones.
 */
export class PowerLoss {
  readonly #names: Map<string, File>
  readonly #namesOnDisk: Map<string, File>
  #unsafe: NameChange[] = []
  /** Names of files that were removed: a process that has one open may fsync it still. */
  readonly #removed = new Set<string>()
  #changes = 0
  /** Makes safe all that each fsync under way covers, by its thread. One that fails makes nothing safe. */
  readonly #syncing = new Map<string, () => void>()

  /** Begins with files that are on the disk. */
  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#names = new Map([...files].map(([name, data]) => [name, makeFile(data)]))
    this.#namesOnDisk = new Map(this.#names)
  }

  happen(happening: Happening): void {
    switch (happening.what) {
      case 'promised':
        return
      case 'created': {
        const existing = this.#names.get(happening.file)
        if (existing !== undefined && existing.bytes > 0) throw new Error(`${happening.file} was cut to nothing`)
        return this.#change({ what: 'created', name: happening.file, file: makeFile() })
      }
      case 'wrote': {
        const file = this.#file(happening.file)
        file.parts.push(happening.data)
        file.bytes += happening.data.byteLength
        return
      }
      case 'renamed':
        return this.#change({ what: 'renamed', name: happening.file, to: happening.to })
      case 'removed':
        this.#removed.add(happening.file)
        return this.#change({ what: 'removed', name: happening.file })
      case 'fsync began':
        return void this.#syncing.set(happening.thread, this.#willBeSafe(happening.file))
      case 'fsynced': {
        this.#syncing.get(happening.thread)?.()
        return void this.#syncing.delete(happening.thread)
      }
    }
  }

  /** The files as memory has them. */
  live(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, { parts }]) => [name, Buffer.concat(parts)]))
  }

  /** The files that a disk may hold if power is lost now. */
  image(random: Random, { isUnordered = false } = {}): Map<string, Buffer> {
    const names = new Map(this.#namesOnDisk)
    for (const change of this.#unsafe.slice(0, below(random, this.#unsafe.length + 1))) apply(names, change)
    const remain = isUnordered ? remainsUnordered : remains
    return new Map([...names].map(([name, file]) => [name, remain(file, random)]))
  }

  /** Makes safe, when it is called, all that an fsync that begins now covers. */
  #willBeSafe(name: string): () => void {
    const changes = this.#changes
    if (name === '.') return () => this.#keepNames(changes)
    if (this.#removed.has(name) && !this.#names.has(name)) return () => undefined
    const file = this.#file(name)
    const { bytes, namedAt } = file
    return () => {
      // Of two that are under way, the one that began first may end last.
      file.syncedBytes = Math.max(file.syncedBytes, bytes)
      this.#keepNames(namedAt)
    }
  }

  #file(name: string): File {
    const file = this.#names.get(name)
    if (file === undefined) throw new Error(`nobody has created ${name}`)
    return file
  }

  #change(change: NameChange): void {
    this.#changes++
    apply(this.#names, change)
    this.#unsafe.push(change)
    const name = change.what === 'renamed' ? change.to : change.name
    if (change.what !== 'removed') this.#file(name).namedAt = this.#changes
  }

  /** The number of changes of names, from the first on, that are on the disk. */
  #keepNames(changes: number): void {
    const before = this.#changes - this.#unsafe.length
    for (const change of this.#unsafe.splice(0, Math.max(0, changes - before))) apply(this.#namesOnDisk, change)
  }
}

function makeFile(data: Buffer = Buffer.alloc(0)): File {
  const bytes = data.byteLength
  return { parts: [data], bytes, syncedBytes: bytes, namedAt: 0 }
}

function apply(names: Map<string, File>, change: NameChange): void {
  const { name } = change
  if (change.what === 'created') names.set(name, change.file)
  else {
    const file = names.get(name)
    if (file === undefined) throw new Error(`${name} is not there to be ${change.what}`)
    names.delete(name)
    if (change.what === 'renamed') names.set(change.to, file)
  }
}

/** The fsynced bytes, and a prefix of the rest. */
function prefixOf({ parts, bytes, syncedBytes }: File, random: Random): Buffer {
  return Buffer.concat(parts).subarray(0, syncedBytes + portion(random, bytes - syncedBytes))
}

/** The fsynced bytes, a prefix of the rest, and often something else at its end. */
function remains(file: File, random: Random): Buffer {
  const { syncedBytes } = file
  const kept = prefixOf(file, random)
  const end = random()
  if (end < 1 / 2) return kept
  const unsafe = Math.min(kept.byteLength - syncedBytes, PAGE_BYTES)
  const spoilt = kept.subarray(kept.byteLength - below(random, unsafe + 1))
  for (let n = 0; n < spoilt.byteLength; n++) spoilt[n] = end < 3 / 4 ? 0 : below(random, 256)
  return kept
}

/**
 * The fsynced bytes, and some pages of the rest, or their beginnings, as they were when the disk got them. Zeros
 * elsewhere.
 */
function remainsUnordered(file: File, random: Random): Buffer {
  const { syncedBytes } = file
  const kept = prefixOf(file, random)
  // Mostly few pages are lost: the writes behind a lost page must be there to be taken for good.
  const lost = random() ** 4
  for (let page = syncedBytes - (syncedBytes % PAGE_BYTES); page < kept.byteLength; page += PAGE_BYTES) {
    if (random() >= lost) continue
    const begin = Math.max(page, syncedBytes)
    const end = Math.min(page + PAGE_BYTES, kept.byteLength)
    kept.fill(0, begin + portion(random, end - begin), end)
  }
  return kept
}

/** Nothing, everything, and anything between, each with the same chance. */
function portion(random: Random, bytes: number): number {
  const how = random()
  if (how < 1 / 4) return 0
  return how < 1 / 2 ? bytes : below(random, bytes + 1)
}

function below(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}
