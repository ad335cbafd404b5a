import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import type { KeySet } from './known-tokens.ts'

/** Limits of reading a JWKS, each with its unit and reason. */
export interface JwksLimits {
  /** Bytes of a JWKS at a URL, unpacked: a thousand keys. */
  readonly jwksBytesMax: number
  /** Time in which a JWKS at a URL must be here, ms. Everybody whose key is not known waits for it. */
  readonly jwksMs: number
  /** Time after a successful read in which an unknown key causes no other read, ms: tokens with invented keys make no requests. */
  readonly jwksCooldownMs: number
  /** Time after a failed read in which there is no other, ms. */
  readonly jwksRetryMs: number
  /** Time after which the JWKS is read again, ms: a key that was taken out of it is refused from then on. */
  readonly jwksAgeMs: number
}

export const JWKS_LIMITS: JwksLimits = {
  jwksBytesMax: 256 * 1024,
  jwksMs: 5_000,
  jwksCooldownMs: 30_000,
  jwksRetryMs: 1_000,
  jwksAgeMs: 600_000,
}

/** Keys that may change. */
export interface ChangingKeys {
  readonly find: JWTVerifyGetKey
  /** The keys as they were read last; undefined when they have to be read. */
  current(): KeySet | undefined
}

/** Finds the key of a token in the JWKS at a URL. Throws for an address that is no URL, or holds a password. */
export function jwksAtUrl(address: string, limits: JwksLimits): ChangingKeys {
  if (!URL.canParse(address)) throw new Error('the address of the JWKS is not a URL')
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') {
    throw new Error('the URL of the JWKS must not hold a user name or password')
  }
  return keyFinder(() => fetchText(url, limits), limits)
}

/** Finds the key of a token in a JWKS file. Throws for a file that can't be used. */
export function jwksInFile(path: string, limits: JwksLimits): ChangingKeys {
  try {
    const { keys } = createLocalJWKSet(JSON.parse(readFileSync(path, 'utf8'))).jwks()
    if (keys.length === 0) throw new Error('it holds no key')
    if (keys.some((key) => key.kty === 'oct' || key.d !== undefined)) throw new Error('it must hold public keys only')
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'it is not JSON' : (cause as Error).message
    throw new Error(`the JWKS file ${path} can't be used: ${why}`, { cause })
  }
  return keyFinder(() => readFile(path, 'utf8'), limits)
}

/**
 * Finds keys in a JWKS that is read when the first token comes, when it is too old, and when a token names an unknown key. The clock
 * is monotonic: with the time of day set back, keys of a new JWKS would not be found for so long.
 */
function keyFinder(readText: () => Promise<string>, limits: JwksLimits): ChangingKeys {
  let find: ReturnType<typeof createLocalJWKSet> | undefined
  let readAtMs = Number.NEGATIVE_INFINITY
  let failedAtMs = Number.NEGATIVE_INFINITY
  let reading: Promise<void> | undefined
  const isWithin = (sinceMs: number, ms: number): boolean => performance.now() - sinceMs < ms
  const readOnce = async (): Promise<void> => {
    if (isWithin(failedAtMs, limits.jwksRetryMs)) throw new Error('the JWKS could not be read a moment ago')
    try {
      find = createLocalJWKSet(JSON.parse(await readText()) as JSONWebKeySet)
      readAtMs = performance.now()
    } catch (error) {
      failedAtMs = performance.now()
      throw error
    }
  }
  const read = (): Promise<void> => {
    reading ??= readOnce().finally(() => {
      reading = undefined
    })
    return reading
  }
  const current = (): KeySet | undefined => (isWithin(readAtMs, limits.jwksAgeMs) ? find : undefined)
  const findKey: JWTVerifyGetKey = async (header, token) => {
    if (current() === undefined) await read()
    if (find === undefined) throw new Error('the JWKS was not read')
    try {
      return await find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || isWithin(readAtMs, limits.jwksCooldownMs)) throw error
      await read()
      return find(header, token)
    }
  }
  return { find: findKey, current }
}

/** Reads a URL, and at most so many bytes of it in so much time. Follows no redirection. */
async function fetchText(url: URL, { jwksBytesMax, jwksMs }: JwksLimits): Promise<string> {
  const headers = { accept: 'application/json, application/jwk-set+json' }
  const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(jwksMs) })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the JWKS was answered with status ${response.status}`)
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop ends the request.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > jwksBytesMax) throw new Error(`the JWKS has more than ${jwksBytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
