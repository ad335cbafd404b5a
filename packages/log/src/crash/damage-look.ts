import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LogError } from '../log-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { readAll } from '../testing/read-all.ts'

/** One bit of one file. */
export interface Flip {
  readonly file: string
  /** Offset of the byte; it wraps around at the file's end. */
  readonly bit: number
}

/** The content of each workspace: its updates as text, or the code of the error that reading it throws. */
export type Sight = Record<string, string[] | string>

export async function flipBit(directory: string, { file, bit }: Flip): Promise<void> {
  const path = join(directory, file)
  const bytes = await readFile(path)
  const index = Math.floor(bit / 8) % bytes.length
  bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit % 8))
  await writeFile(path, bytes)
}

/** Opens and reads everything. Throws any error that is no LogError. */
export async function look(directory: string, names: readonly string[]): Promise<Sight> {
  const refused = (error: unknown): string => {
    if (error instanceof LogError) return error.code
    throw error
  }
  const store = await openLevelStore({ directory, durability: 'async' }).catch(refused)
  if (typeof store === 'string') return Object.fromEntries(names.map((name) => [name, store]))
  const seen: Sight = {}
  for (const name of names) {
    seen[name] = await store
      .open(name)
      .then((log) => readAll(log))
      .then((records) => records.map(({ update }) => Buffer.from(update).toString()))
      .catch(refused)
  }
  await store.close()
  return seen
}

/** Looks at a copy of `directory` that has one bit flipped. */
export async function lookAtFlipped(directory: string, names: readonly string[], flip: Flip): Promise<Sight> {
  const copy = await mkdtemp(`${directory}-copy-`)
  await cp(directory, copy, { recursive: true })
  await flipBit(copy, flip)
  const seen = await look(copy, names)
  await rm(copy, { recursive: true })
  return seen
}

// As a program (directory, names, flips as JSON) it prints one line of JSON for each flip. LevelDB may abort it midway.
if (import.meta.main) {
  const [directory = '', names = '[]', flips = '[]'] = process.argv.slice(2)
  for (const flip of JSON.parse(flips) as Flip[]) {
    const seen = await lookAtFlipped(directory, JSON.parse(names) as string[], flip)
    process.stdout.write(`${JSON.stringify(seen)}\n`)
  }
}
