import { ClassicLevel } from 'classic-level'

/** Changes the database directly, past the log. */
export async function tamper(directory: string, work: (level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>) {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await level.open({ createIfMissing: false })
  await work(level)
  await level.close()
}
