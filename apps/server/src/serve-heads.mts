import { join } from 'node:path'
import { type HeadSigner, LogError, readHeadKey, systemClock } from '@joinery/log'
import { type Server, SignedHeads } from '@joinery/server'
import type { Logger } from 'pino'
import { AppError } from './app-error.mts'
import { HEAD_LOG_FILE, openHeadLog } from './head-log.mts'
import type { ServeConfig } from './serve-config.mts'

/** The signed heads of a server, and their log. */
export interface ServedHeads {
  readonly heads: SignedHeads
  close(): Promise<void>
}

/** Reads the key of heads. Rejects with {@link AppError} `start` that says what to do. Undefined if none is configured. */
export async function readServedKey({ heads }: ServeConfig): Promise<HeadSigner | undefined> {
  if (heads === undefined) return undefined
  try {
    return await readHeadKey(heads.keyFile)
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    throw new AppError('start', error.message, { cause: error })
  }
}

/** Opens the log of heads, and signs heads from now on. A server whose data is in memory has a log only where one is named. */
export async function openServedHeads(
  { heads: config, dataDirectory, durability }: ServeConfig,
  signer: HeadSigner | undefined,
  server: Pick<Server, 'workspaces'>,
  logger: Logger,
): Promise<ServedHeads | undefined> {
  if (config === undefined || signer === undefined) return undefined
  const path = config.logFile ?? (durability === 'memory' ? undefined : join(dataDirectory, HEAD_LOG_FILE))
  const file = path === undefined ? undefined : await openHeadLog(path)
  const { records, ms } = config
  const { workspaces } = server
  const heads = new SignedHeads({
    workspaces,
    signer,
    clock: systemClock,
    logger,
    log: file && { ...file, records, ms },
  })
  return {
    heads,
    close: async () => {
      await heads.close()
      await file?.close()
    },
  }
}
