import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll } from 'vitest'
import { openLevelStore } from '../store/level-store.ts'
import { type PhaseName, type Promised, prepare } from './course.ts'

const PROGRAM = fileURLToPath(new URL('./course-child.ts', import.meta.url))

/** A directory that courses begin with. */
interface Ground {
  /** The promises made in it. */
  readonly promises: readonly Promised[]
  /** Makes a copy of it at a path where nothing is, and returns that path. */
  readonly lay: (path: string) => Promise<string>
}

/** One phase of course.ts from one ground at one durability. */
export interface Course {
  readonly phase: PhaseName
  /**
   * Content of the directory before: nothing; a closed store with its newest records in the write-ahead log; the same
   * with everything in tables.
   */
  readonly ground: 'nothing' | 'closed' | 'tables'
  readonly durability: 'async' | 'sync'
}

const COURSES: readonly Omit<Course, 'durability'>[] = [
  { phase: 'write', ground: 'nothing' },
  { phase: 'open', ground: 'closed' },
  { phase: 'write', ground: 'tables' },
  { phase: 'snapshot', ground: 'tables' },
  { phase: 'seal', ground: 'tables' },
  { phase: 'compact', ground: 'tables' },
  { phase: 'remove', ground: 'tables' },
  { phase: 'two', ground: 'nothing' },
  { phase: 'adopt', ground: 'nothing' },
  { phase: 'five', ground: 'tables' },
]

/** Each course at both durabilities, or at one of them in turn. */
export function courses(atBoth: boolean): Course[] {
  const durabilities = ['async', 'sync'] as const
  return COURSES.flatMap((course, n) =>
    durabilities.filter((_, d) => atBoth || d === n % 2).map((durability) => ({ ...course, durability })),
  )
}

/** Arguments with which Node runs a course. */
export function courseProgram(directory: string, { durability, phase }: Omit<Course, 'ground'>): string[] {
  return [PROGRAM, directory, durability, phase]
}

/** Makes the grounds before the tests of a file. */
export function useGrounds(makeDirectory: () => Promise<string>): () => Readonly<Record<Course['ground'], Ground>> {
  let grounds: Readonly<Record<Course['ground'], Ground>>
  beforeAll(async () => {
    const promises: Promised[] = []
    const closed = join(await makeDirectory(), 'closed')
    const store = await openLevelStore({ directory: closed, durability: 'async' })
    await prepare(store, (promised) => promises.push(promised))
    await store.close()
    const tables = await copyTo(closed)(join(await makeDirectory(), 'tables'))
    await (await openLevelStore({ directory: tables, durability: 'async' })).close()
    grounds = {
      nothing: { promises: [], lay: makeEmpty },
      closed: { promises, lay: copyTo(closed) },
      tables: { promises, lay: copyTo(tables) },
    }
  })
  return () => grounds
}

async function makeEmpty(path: string): Promise<string> {
  await mkdir(path)
  return path
}

function copyTo(from: string): (path: string) => Promise<string> {
  return async (path) => {
    await cp(from, path, { recursive: true })
    return path
  }
}
