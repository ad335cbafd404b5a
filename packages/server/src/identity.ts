import { parseWorkspaceName, WORKSPACE_NAME_RULE, type WorkspaceId } from '@joinery/protocol'
import { errors, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { type ChangingKeys, JWKS_LIMITS, type JwksLimits, jwksAtUrl, jwksInFile } from './jwks.ts'
import { type KeySet, KnownTokens } from './known-tokens.ts'
import type { Revocations } from './revocations.ts'

/** The person or job behind a connection and its rights, for as long as the connection lives. */
export interface Identity {
  readonly actor: string
  /** The class of writer that this connection's records are stamped with. */
  readonly source: string
  /** Every class that the connection may write as; undefined in development mode, where all are allowed. */
  readonly sources: readonly string[] | undefined
  readonly access: 'read' | 'write'
  /** False only in development mode. */
  readonly isAuthenticated: boolean
  /** Time when the token expires, leeway included, ms since epoch; undefined in development mode. */
  readonly expiresAtMs: number | undefined
  /** Time when the token was issued, ms since epoch, and no later than it was shown; undefined if it does not say so. */
  readonly issuedAtMs?: number | undefined
  /** Throws `unauthorized` once the token has expired or was taken back. Absent where there are no tokens. */
  assertStands?(): void
  /** Whether the caller may do what concerns all actors, such as revoking tokens. */
  readonly isOperator?: boolean
  /** Sagas whose steps the caller may run as a worker; `*` stands for all. Undefined: all in development mode, otherwise none. */
  readonly work?: readonly string[] | undefined
  allows(workspace: WorkspaceId): boolean
}

/** The sender of a request or of a socket, as the URL or the headers say. */
export interface Credentials {
  readonly token: string | undefined
  /** Actor that the client names. Used only in development mode; otherwise the token names the actor. */
  readonly actor: string | undefined
  readonly source: string | undefined
  /** Undefined for a request that is about no workspace. */
  readonly workspace: WorkspaceId | undefined
}

/**
 * Finds out the identity of a sender. Rejects with {@link IdentityError}, whose message never holds a part of the
 * token.
 */
export interface Authenticator {
  (credentials: Credentials): Promise<Identity>
  /**
   * The actor of a token that was good before, if it is remembered. It may be good no longer, so this decides on the order of requests, and
   * never on what they may do.
   */
  readonly actorOf?: (token: string) => string | undefined
}

/**
 * The reason why an identity was refused.
 *
 * - `unauthorized`: there is no token, or it is not valid (401, close 4401).
 * - `forbidden`: the token is valid, but does not allow this (403, close 4403).
 * - `keys_unavailable`: no token can be checked now (503, close 1013: connect again later).
 * - `misconfigured`: the operator has to mend the configuration. Thrown at start or at signing only.
 */
export type IdentityErrorCode = 'unauthorized' | 'forbidden' | 'keys_unavailable' | 'misconfigured'

/** Thrown for a refused identity. `message` says what is wrong and what to do. */
export class IdentityError extends Error {
  override name = 'IdentityError'
  readonly code: IdentityErrorCode
  constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The source of the keys: a shared secret (HS256), or a JWKS at a URL or in a file (asymmetric algorithms only). */
export type AuthenticatorKeys = { readonly secret: string } | { readonly jwks: string }

export interface AuthenticatorOptions {
  /** The clock, ms since epoch. */
  readonly now?: () => number
  /** Tokens that were taken back. */
  readonly revocations?: Revocations
  /** Other limits of reading the JWKS than {@link JWKS_LIMITS}. */
  readonly jwks?: Partial<JwksLimits>
}

/** Clocks of the issuer and of this server may differ by this much, s. Machines with NTP differ by less than one. */
const CLOCK_LEEWAY_SECONDS = 5
/**
 * Bytes of a secret, at least. HS256 is as strong as its key up to 256 bits; a shorter key can be guessed from any
 * token.
 */
const SECRET_BYTES_MIN = 32
/** Characters of a token, at most: half of the bytes that Node accepts as request headers. */
const TOKEN_CHARS_MAX = 8192
const EXPIRED = 'the token has expired: get a new one'
const AUDIENCE = 'joinery'
/**
 * Algorithms that a JWKS may use. None is symmetric: a public key is no secret, and HS256 "signed" with it would
 * verify.
 */
const JWKS_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']
const DEFAULT_SOURCE = 'user_action'

const SOURCE = /^[a-z_]{1,64}$/
const SOURCE_RULE = 'a source is 1 to 64 of a-z and _'
/**
 * Actors. Control characters could forge log lines, line separators break them, lone surrogates do not survive UTF-8.
 */
const ACTOR = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,128}$/u
const ACTOR_RULE = 'an actor is 1 to 128 characters, none of them a control character'
/** Characters of a saga's name. */
const WORK_NAME_MAX = 128
const WORK_RULE = `an entry of work is a saga of 1 to ${WORK_NAME_MAX} characters, or "*" for all`
const WORKSPACE_PREFIX = /^(?:[A-Za-z0-9][A-Za-z0-9._~:/-]*)?\*$/

const claimsSchema = z.object({
  sub: z.string(ACTOR_RULE).regex(ACTOR, ACTOR_RULE),
  workspaces: z.array(
    z.string().refine((entry) => WORKSPACE_PREFIX.test(entry) || parseWorkspaceName(entry) !== undefined, {
      message: `an entry is a workspace's name or a prefix of names followed by "*"; ${WORKSPACE_NAME_RULE}`,
    }),
    'workspaces is a list of names and prefixes',
  ),
  access: z.enum(['read', 'write'], 'access is "read" or "write"'),
  sources: z.array(z.string().regex(SOURCE, SOURCE_RULE), 'sources is a list').min(1, 'sources has at least one entry'),
  operator: z.boolean('operator is true or false').optional(),
  work: z
    .array(z.string(WORK_RULE).min(1, WORK_RULE).max(WORK_NAME_MAX, WORK_RULE), 'work is a list of sagas')
    .optional(),
  iat: z.number('iat is a time in seconds').optional(),
  exp: z.number('exp is a time in seconds').positive().max(8.64e12, 'exp is in seconds, not milliseconds'),
})

/** The claims of a token, except `aud`; `iat` is that of signing by default. `exp` and `iat` are in seconds since epoch. */
export type TokenClaims = z.infer<typeof claimsSchema>

/**
 * Checks tokens against `keys`. Throws {@link IdentityError} `misconfigured` on a weak secret or an unusable JWKS file.
 */
export function createAuthenticator(keys: AuthenticatorKeys, options: AuthenticatorOptions = {}): Authenticator {
  const { now = Date.now } = options
  const verifier = 'secret' in keys ? secretVerifier(keys.secret) : jwksVerifier(keys.jwks, options)
  const known = new KnownTokens<TokenClaims>()
  const claimsOf = async (token: string, nowMs: number): Promise<TokenClaims> => {
    const checkedWith = verifier.keys()
    const claims = known.claimsOf(token, checkedWith, nowMs)
    if (claims !== undefined) return claims
    const checked = parseClaims(await verifier.verify(token, new Date(nowMs)))
    // Where the keys were read meanwhile, it is not known which of them have checked the token.
    if (checkedWith !== undefined && checkedWith === verifier.keys())
      known.remember(token, checked, { keys: checkedWith, fromMs: nowMs, untilMs: expiryOf(checked) })
    return checked
  }
  const authenticate = async (credentials: Credentials): Promise<Identity> => {
    const { token } = credentials
    if (!token) throw new IdentityError('unauthorized', 'no token: put one in the query parameter "token"')
    if (token.length > TOKEN_CHARS_MAX) {
      throw new IdentityError(
        'unauthorized',
        `the token has ${token.length} characters, at most ${TOKEN_CHARS_MAX} are allowed: ask for a smaller one`,
      )
    }
    const nowMs = now()
    const identity = identityOf(await claimsOf(token, nowMs), credentials, nowMs)
    const endsAtMs = performance.now() + (identity.expiresAtMs - now())
    const assertStands = (): void => {
      if (performance.now() >= endsAtMs) throw new IdentityError('unauthorized', EXPIRED)
      if (options.revocations?.isRevoked(identity) !== true) return
      throw new IdentityError('unauthorized', 'the token was revoked: get a new one')
    }
    assertStands()
    return { ...identity, assertStands }
  }
  return Object.assign(authenticate, { actorOf: (token: string) => known.lastClaimsOf(token)?.sub })
}

const everything = (): boolean => true

/**
 * Gives every client the actor that it names (or `anonymous`), the source that it asks for, and write access to
 * everything.
 */
export function developmentAuthenticator(): Authenticator {
  return async ({ actor = 'anonymous', source = DEFAULT_SOURCE }) => {
    if (!ACTOR.test(actor)) throw new IdentityError('forbidden', ACTOR_RULE)
    if (!SOURCE.test(source)) throw new IdentityError('forbidden', SOURCE_RULE)
    return {
      actor,
      source,
      sources: undefined,
      access: 'write',
      isAuthenticated: false,
      expiresAtMs: undefined,
      allows: everything,
    }
  }
}

/** Makes an HS256 token for this server. Rejects with `misconfigured` when the secret or a claim breaks its rule. */
export async function signToken(secret: string, claims: TokenClaims): Promise<string> {
  const key = secretKey(secret)
  const parsed = claimsSchema.safeParse(claims)
  if (!parsed.success) throw new IdentityError('misconfigured', claimFault(parsed.error))
  return new SignJWT(parsed.data)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setAudience(AUDIENCE)
    .setIssuedAt(parsed.data.iat)
    .sign(key)
}

interface Verifier {
  /** Resolves with the claims of a token whose signature, audience and time are good. */
  verify(token: string, now: Date): Promise<unknown>
  /** The keys that {@link verify} uses now; undefined when it has to read them. */
  keys(): KeySet | undefined
}

function secretKey(secret: string): Uint8Array {
  const key = new TextEncoder().encode(secret)
  if (key.length < SECRET_BYTES_MIN) {
    const message = `the JWT secret has ${key.length} bytes and needs at least ${SECRET_BYTES_MIN}: make one with "openssl rand -base64 48"`
    throw new IdentityError('misconfigured', message)
  }
  if (secret.includes('-----BEGIN')) {
    // A PEM is often a public key, and everybody who has that could sign tokens with it.
    throw new IdentityError('misconfigured', 'the JWT secret is a PEM key: give asymmetric keys as a JWKS instead')
  }
  return key
}

function secretVerifier(secret: string): Verifier {
  const key = secretKey(secret)
  return {
    verify: async (token, now) => {
      const verified = await jwtVerify(token, key, verifyOptions(['HS256'], now)).catch(throwTokenFault)
      return verified.payload
    },
    keys: () => key,
  }
}

function jwksVerifier(jwks: string, options: AuthenticatorOptions): Verifier {
  const { find, current } = jwksKeys(jwks, { ...JWKS_LIMITS, ...options.jwks })
  return {
    verify: async (token, now) => {
      const verified = await jwtVerify(token, find, verifyOptions(JWKS_ALGORITHMS, now)).catch(throwTokenFault)
      return verified.payload
    },
    keys: current,
  }
}

function jwksKeys(jwks: string, limits: JwksLimits): ChangingKeys {
  try {
    return /^https?:\/\//i.test(jwks) ? jwksAtUrl(jwks, limits) : jwksInFile(jwks, limits)
  } catch (cause) {
    throw new IdentityError('misconfigured', (cause as Error).message, { cause })
  }
}

function verifyOptions(algorithms: string[], currentDate: Date) {
  return { algorithms, audience: AUDIENCE, clockTolerance: CLOCK_LEEWAY_SECONDS, currentDate }
}

/**
 * Throws the refusal for an error of jose. A token's fault has no `cause`: jose's errors carry the claims, and causes
 * are logged.
 */
function throwTokenFault(error: unknown): never {
  const fault = tokenFault(error)
  if (fault !== undefined) throw new IdentityError('unauthorized', fault)
  throw new IdentityError('keys_unavailable', "the keys to check tokens with can't be read now: try again later", {
    cause: error,
  })
}

function tokenFault(error: unknown): string | undefined {
  if (error instanceof errors.JWTExpired) return EXPIRED
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return 'the token is not valid yet (nbf): check the clocks of its issuer and this server'
    if (error.claim === 'aud') return `the token's aud must be "${AUDIENCE}"`
    return `the token's claim ${error.claim} is missing or malformed`
  }
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported) {
    return 'the token is signed in a way this server does not take: HS256 with a secret, asymmetric algorithms with a JWKS'
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the token was signed with another key'
  if (error instanceof errors.JWKSNoMatchingKey) return "the token's key (kid, alg) is not in this server's JWKS"
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'the token must name its key (kid): several would do'
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return 'the token is malformed'
  return undefined
}

function claimFault(error: z.ZodError): string {
  return `the token's claims break a rule: ${error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`
}

/** Reads the claims of a token that was checked. Throws `unauthorized`. */
function parseClaims(payload: unknown): TokenClaims {
  const parsed = claimsSchema.safeParse(payload)
  if (!parsed.success) throw new IdentityError('unauthorized', claimFault(parsed.error))
  return parsed.data
}

/** The time at which a token expires, leeway included, ms since epoch. */
const expiryOf = ({ exp }: TokenClaims): number => (exp + CLOCK_LEEWAY_SECONDS) * 1000

function identityOf(
  claims: TokenClaims,
  { workspace, source: asked }: Credentials,
  nowMs: number,
): Identity & { readonly expiresAtMs: number } {
  const { sub, workspaces, access, sources, iat, operator = false, work } = claims
  const allows = (name: WorkspaceId) => workspaces.some((entry) => matches(entry, name))
  if (workspace !== undefined && !allows(workspace))
    throw new IdentityError('forbidden', `the token does not open workspace ${workspace}`)
  if (asked !== undefined && !sources.includes(asked)) {
    throw new IdentityError(
      'forbidden',
      `the token does not allow the source that was asked for: use one of ${sources}`,
    )
  }
  // The schema requires at least one source.
  const preferred = sources.includes(DEFAULT_SOURCE) ? DEFAULT_SOURCE : (sources[0] as string)
  return {
    actor: sub,
    source: asked ?? preferred,
    sources,
    access,
    isAuthenticated: true,
    isOperator: operator,
    work,
    expiresAtMs: expiryOf(claims),
    issuedAtMs: iat === undefined ? undefined : issuedBy(nowMs, iat * 1000),
    allows,
  }
}

/** The time of issue of a token that is shown at `nowMs`. A time far ahead of the clock tells nothing: the token may be old. */
function issuedBy(nowMs: number, iatMs: number): number | undefined {
  return iatMs > nowMs + CLOCK_LEEWAY_SECONDS * 1000 ? undefined : Math.min(iatMs, nowMs)
}

/**
 * Whether a token's entry opens a workspace. A prefix is plain text: `acme*` opens `acme-two`, `acme/*` does not open
 * `acme`.
 */
function matches(entry: string, name: WorkspaceId): boolean {
  return entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === entry
}
