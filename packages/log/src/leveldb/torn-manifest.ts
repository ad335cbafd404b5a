import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { missingIsUndefined, writeDurably } from '../durable-file.ts'
import type { ManifestCut } from '../observer.ts'
import { type LiveFiles, readLiveFiles } from './manifest.ts'

/**
 * Cuts the manifest back to its last whole edit, if all its damage lies behind that and every table that it then asks
 * for is there. Otherwise touches nothing and gives undefined. Call it once LevelDB has refused the directory: LevelDB
 * locks the directory before it reads the manifest, and appends only to a manifest that it has written itself. Killed
 * at any point, it can be done again. Throws Node's error.
 */
export async function cutTornManifest(directory: string): Promise<ManifestCut | undefined> {
  const live = await readLiveFiles(directory)
  if (live?.tornAt === undefined || !(await hasTables(directory, live))) return undefined
  const { manifest, tornAt: offset } = live
  const path = join(directory, manifest)
  const torn = (await readFile(path)).subarray(offset)
  // LevelDB leaves a file of this name alone: it does not know the pattern.
  const keptIn = `${manifest}.torn-${offset}`
  await writeDurably(directory, keptIn, torn)
  const file = await open(path, 'r+')
  try {
    await file.truncate(offset)
    await file.sync()
  } finally {
    await file.close()
  }
  return { manifest, offset, bytes: torn.byteLength, keptIn }
}

async function hasTables(directory: string, { tables }: LiveFiles): Promise<boolean> {
  for (const [number, bytes] of tables) {
    const stem = join(directory, String(number).padStart(6, '0'))
    const size = (await sizeOf(`${stem}.ldb`)) ?? (await sizeOf(`${stem}.sst`)) ?? 0
    if (size < bytes) return false
  }
  return true
}

function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(({ size }) => size, missingIsUndefined)
}
