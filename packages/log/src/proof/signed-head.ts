import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { LogError } from '../log-error.ts'
import { LSN_MAX, type Lsn } from '../lsn.ts'

/** A signed statement of how far a workspace's history had come. A person who keeps it can tell later whether that history is still there. */
export interface SignedHead {
  readonly workspace: string
  readonly generation: string
  readonly lsn: Lsn
  /** Chain value of the record at {@link lsn}, as 64 hexadecimal digits. */
  readonly chain: string
  /** Time of the signature by the server's clock, ms since epoch. */
  readonly at: number
  /** Ed25519 public key, raw, as base64url. */
  readonly key: string
  /** Ed25519 signature of {@link signedBytes}, as base64url. */
  readonly signature: string
}

const FIELDS = ['workspace', 'generation', 'lsn', 'chain', 'at', 'key', 'signature'] as const
const BYTES_OF = { key: 32, signature: 64 } as const
/** The DER bytes of an Ed25519 public key (RFC 8410) before its 32 bytes. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** The bytes that are signed: SPEC.md, "Signed heads". */
export function signedBytes(head: Omit<SignedHead, 'signature'>): Uint8Array {
  const { workspace, generation, lsn, chain, at, key } = head
  return Buffer.from(['JOINERY HEAD 1', generation, lsn, chain, at, key, workspace].join('\n'))
}

/** Signs heads with one key. */
export class HeadSigner {
  /** The public key, raw, as base64url. */
  readonly key: string
  readonly #privateKey: KeyObject

  constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey
    this.key = publicKeyText(createPublicKey(privateKey))
  }

  sign(head: Pick<SignedHead, 'workspace' | 'generation' | 'lsn' | 'chain' | 'at'>): SignedHead {
    const { workspace, generation, lsn, chain, at } = head
    const signed = { workspace, generation, lsn, chain, at, key: this.key }
    return { ...signed, signature: sign(null, signedBytes(signed), this.#privateKey).toString('base64url') }
  }
}

/** An Ed25519 public key, raw, as base64url. */
export function publicKeyText(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).subarray(SPKI_PREFIX.length).toString('base64url')
}

/** Whether the signature of a head is that of its own key. */
export function isSignatureRight(head: SignedHead): boolean {
  const der = Buffer.concat([SPKI_PREFIX, Buffer.from(head.key, 'base64url')])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, signedBytes(head), key, Buffer.from(head.signature, 'base64url'))
}

/**
 * The heads in a text: one JSON object, or one a line. Throws `invalid`, naming the line, for anything else, for a field that is
 * missing or wrong, and where a signature does not fit its key.
 */
export function parseSignedHeads(text: string): SignedHead[] {
  const whole = parsed(text)
  if (whole !== undefined) return [checkedHead(whole, 'the head')]
  const lines = text.split('\n')
  const heads = lines.flatMap((line, n) => {
    return line.trim() === '' ? [] : [checkedHead(parsed(line), `line ${n + 1}`)]
  })
  if (heads.length === 0)
    throw new LogError('invalid', 'there is no signed head: give the answer of GET …/head, or lines of it')
  return heads
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function checkedHead(value: unknown, where: string): SignedHead {
  const fault = faultOf(value)
  if (fault !== undefined) throw new LogError('invalid', `${where} is no signed head: ${fault}`)
  const head = value as SignedHead
  if (isSignatureRight(head)) return head
  throw new LogError(
    'invalid',
    `the signature of ${where} is not that of its key over its fields: it was changed, or never signed`,
  )
}

function faultOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'it is no JSON object'
  const fields = value as Partial<Record<(typeof FIELDS)[number], unknown>>
  for (const name of FIELDS) {
    const field = fields[name]
    const isNumber = name === 'lsn' || name === 'at'
    const isRight = isNumber ? Number.isSafeInteger(field) && Number(field) >= 0 : typeof field === 'string'
    if (!isRight) return `${name} has to be ${isNumber ? 'a whole number' : 'text'}`
  }
  if (Number(fields.lsn) > LSN_MAX) return `lsn is more than ${LSN_MAX}`
  if (!/^[0-9a-f]{64}$/.test(String(fields.chain))) return 'chain has to be 64 hexadecimal digits'
  if (/\n/.test(String(fields.generation))) return 'generation has to be one line'
  for (const name of ['key', 'signature'] as const) {
    const bytes = Buffer.from(String(fields[name]), 'base64url')
    if (bytes.toString('base64url') !== fields[name] || bytes.length !== BYTES_OF[name]) {
      return `${name} has to be ${BYTES_OF[name]} bytes as base64url`
    }
  }
  return undefined
}
