import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LogError, parseSignedHeads, type SignedHead } from '@joinery/log'
import { type HeadVerdict, verifyHeads } from '@joinery/log/operations'
import { z } from 'zod'
import { AppError } from '../app-error.mts'
import { HEAD_LOG_FILE } from '../head-log.mts'
import { say } from '../say.mts'
import { type Options, readSetting, type Setting } from '../setting.mts'
import { readDataOptions, stopSignal } from './data-options.mts'
import { fileFault, withOperator } from './open-operator.mts'

const file: Setting<string> = {
  option: 'head',
  rule: 'the path of a file',
  example: './head.json',
  schema: z.string().min(1),
}
const key: Setting<string | undefined> = {
  option: 'key',
  rule: 'the public key that "joinery keygen" printed: 32 bytes as base64url',
  example: 'KLwbQ-f9INCUobmpfjhadoBWsb6AFyl-fjYIjctPswI',
  schema: z
    .string()
    .refine((text) => Buffer.from(text, 'base64url').length === 32)
    .optional(),
}

/** `joinery verify --head`: prints whether the data has the history of each head. */
export async function runVerifyHeads(options: Options): Promise<void> {
  const { directory, isJson } = readDataOptions(options)
  const heads = await readHeads(resolve(readSetting(file, options, process.env)))
  assertKey(heads, readSetting(key, options, process.env))
  const verdicts = await judge(directory, heads)
  const signers = [...new Set(heads.map((head) => head.key))]
  const isFound = verdicts.every(({ state }) => state === 'contained' || state === 'attested')
  const lines = [...verdicts.map(({ state, message }) => `${state}: ${message}`), `signed by ${signers.join(', ')}`]
  say(isJson ? JSON.stringify({ contained: isFound, directory, keys: signers, verdicts }) : lines.join('\n'))
  if (isFound) return
  throw new AppError(
    'failed',
    `${directory} does not have the history that every head stands for: the lines on stdout say where`,
  )
}

/** Rejects with {@link AppError} `usage`: nothing can be compared with a file that holds no head. */
async function readHeads(path: string): Promise<SignedHead[]> {
  try {
    return parseSignedHeads(await readFile(path, 'utf8'))
  } catch (error) {
    const reason = error instanceof LogError ? `${path}: ${error.message}` : fileFault(error, path)?.message
    if (reason === undefined) throw error
    throw new AppError('usage', reason, { cause: error })
  }
}

function assertKey(heads: readonly SignedHead[], wanted: string | undefined): void {
  const foreign = heads.find((head) => wanted !== undefined && head.key !== wanted)
  if (foreign === undefined) return
  const { workspace, lsn, key: signer } = foreign
  throw new AppError(
    'usage',
    `the head of ${workspace} at ${lsn} was signed by ${signer}, and not by the key given, ${wanted}`,
  )
}

/** Judges the heads of each workspace. The heads in the directory's own log help to narrow down where one departs. */
async function judge(directory: string, heads: readonly SignedHead[]): Promise<HeadVerdict[]> {
  const logged = await readLogged(directory)
  const signal = stopSignal()
  const byWorkspace = Map.groupBy(heads, ({ workspace }) => workspace)
  const verdicts: HeadVerdict[] = []
  await withOperator(directory, async (operator) => {
    verdicts.length = 0
    for (const [workspace, some] of byWorkspace) {
      const keys = new Set(some.map((head) => head.key))
      const others = logged.filter((head) => head.workspace === workspace && keys.has(head.key))
      const archive = operator.archive({ workspaces: [workspace] }, { signal })
      verdicts.push(...(await verifyHeads(workspace, [...some, ...others], archive)).slice(0, some.length))
    }
  })
  return verdicts
}

/** Heads of the directory's own log, if it can be read: they are a help, and no condition. */
async function readLogged(directory: string): Promise<SignedHead[]> {
  try {
    const text = await readFile(join(directory, HEAD_LOG_FILE), 'utf8')
    return parseSignedHeads(text.slice(0, text.lastIndexOf('\n') + 1))
  } catch {
    return []
  }
}
