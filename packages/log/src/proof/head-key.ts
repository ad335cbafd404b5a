import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { isMissing, isThere } from '../durable-file.ts'
import { LogError } from '../log-error.ts'
import { HeadSigner, publicKeyText } from './signed-head.ts'

/** Rights of others than the file's owner. */
const RIGHTS_OF_OTHERS = 0o077

/**
 * Makes an Ed25519 key in a new file (PKCS #8, PEM, mode 0600), which is on the disk when this resolves. Resolves with the public key,
 * raw, as base64url. Throws `invalid` if the file is there already: no key is overwritten. Rejects with the system's errors.
 */
export async function makeHeadKey(path: string): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if (!isThere(error)) throw error
    throw new LogError('invalid', `${path} is there already, and no key is overwritten: choose another name`)
  })
  try {
    await file.chmod(0o600)
    await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await file.sync()
  } finally {
    await file.close()
  }
  return publicKeyText(publicKey)
}

/**
 * Reads the key that heads are signed with. Throws `invalid` for a file that is missing or holds no Ed25519 private key, and for one
 * that others than its owner may read or write.
 */
export async function readHeadKey(path: string): Promise<HeadSigner> {
  const { text, mode } = await readKeyFile(path)
  if ((mode & RIGHTS_OF_OTHERS) !== 0) {
    const rights = (mode & 0o777).toString(8).padStart(4, '0')
    throw new LogError(
      'invalid',
      `${path} has mode ${rights}, so that others can read or change the key: chmod 600 it, or make another key`,
    )
  }
  const key = privateKeyOf(text)
  if (key?.asymmetricKeyType === 'ed25519') return new HeadSigner(key)
  const found = key === undefined ? 'no private key' : `a private key of type ${key.asymmetricKeyType}`
  throw new LogError(
    'invalid',
    `${path} holds ${found}, and heads are signed with Ed25519: make one with "joinery keygen --out FILE"`,
  )
}

async function readKeyFile(path: string): Promise<{ text: string; mode: number }> {
  try {
    return { text: await readFile(path, 'utf8'), mode: (await stat(path)).mode }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const advice = isMissing(cause) ? 'there is no such file: make one with "joinery keygen --out FILE"' : reason
    throw new LogError('invalid', `the key of heads can't be read from ${path}: ${advice}`, { cause })
  }
}

function privateKeyOf(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text)
  } catch {
    return undefined
  }
}
