import { IdentityError, signToken } from '@joinery/server'
import { z } from 'zod'
import { AppError } from './app-error.mts'
import { type Environment, type Options, readSetting, type Setting } from './setting.mts'

const SECONDS_PER = { s: 1, m: 60, h: 3600, d: 86_400 } as const
/** A token should not outlive the person's job by much; `10y` would be a typing error. */
const EXPIRES_DAYS_MAX = 366

/** Claims that `joinery token` was asked for. Signing checks the rules that this file does not know. */
interface TokenRequest {
  readonly secret: string
  readonly sub: string
  readonly workspaces: string[]
  readonly access: 'read' | 'write'
  readonly sources: string[]
  readonly expiresInSeconds: number
  readonly operator?: true
  readonly work?: string[]
}

const names = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')

const list = z.string().transform(names).pipe(z.array(z.string()).min(1))

const sub: Setting<string> = {
  option: 'sub',
  rule: "the actor's name, which the server stamps on each of its changes",
  example: 'ada',
  schema: z.string().min(1),
}

const workspaces: Setting<string[]> = {
  option: 'workspaces',
  rule: 'names of workspaces, or prefixes ending in *, joined by commas',
  example: "'demo,acme/*'",
  schema: list,
}

const access: Setting<'read' | 'write'> = {
  option: 'access',
  rule: 'read or write',
  example: 'read',
  schema: z.enum(['read', 'write']).default('write'),
}

const sources: Setting<string[]> = {
  option: 'sources',
  rule: 'classes of writer it may write as, joined by commas',
  example: 'workflow_execution,polling_sync',
  schema: z.string().default('user_action').pipe(list),
}

const work: Setting<string[] | undefined> = {
  option: 'work',
  rule: 'sagas whose steps it may run, joined by commas, or * for all',
  example: 'instantiate-template',
  schema: list.optional(),
}

const expires: Setting<number> = {
  option: 'expires',
  rule: `a time from now as a whole number and s, m, h or d, at most ${EXPIRES_DAYS_MAX}d`,
  example: '8h',
  schema: z
    .string()
    .regex(/^\d{1,9}[smhd]$/)
    .default('1h')
    .transform((text) => Number(text.slice(0, -1)) * SECONDS_PER[text.slice(-1) as keyof typeof SECONDS_PER])
    .pipe(
      z
        .number()
        .min(1)
        .max(EXPIRES_DAYS_MAX * SECONDS_PER.d),
    ),
}

/**
 * Reads the claims from the options. The secret comes from the environment only: everyone on a machine can read its
 * command lines. Throws {@link AppError} `usage`.
 */
export function parseTokenRequest(options: Options, environment: Environment): TokenRequest {
  const sagas = readSetting(work, options, environment)
  const secret = environment.JOINERY_JWT_SECRET
  if (!secret) {
    const message =
      'JOINERY_JWT_SECRET is not set: set it to the secret of the server the token is for, at least 32 bytes'
    throw new AppError('usage', message)
  }
  return {
    secret,
    sub: readSetting(sub, options, environment),
    workspaces: readSetting(workspaces, options, environment),
    access: readSetting(access, options, environment),
    sources: readSetting(sources, options, environment),
    expiresInSeconds: readSetting(expires, options, environment),
    ...(options.operator === true && { operator: true }),
    ...(sagas !== undefined && { work: sagas }),
  }
}

/**
 * Resolves with the JWT. `now`: ms since epoch. Rejects with {@link AppError} `usage` when a claim or the secret breaks
 * its rule.
 */
export async function makeToken({ secret, expiresInSeconds, ...claims }: TokenRequest, now: number): Promise<string> {
  try {
    return await signToken(secret, { ...claims, exp: Math.floor(now / 1000) + expiresInSeconds })
  } catch (error) {
    if (error instanceof IdentityError) throw new AppError('usage', error.message, { cause: error })
    throw error
  }
}
