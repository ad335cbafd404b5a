import { EngineError } from './engine-error.ts'

const SUBJECT = /^[A-Za-z0-9_-]{1,1400}$/
const KEY = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
const KEY_LENGTH_MAX = 1_500
/** Time to live at most, ms: NATS counts it in nanoseconds. */
const TTL_MS_MAX = 365 * 24 * 3_600_000

/** Returns a subject that an engine takes. Throws `invalid`. */
export function checkSubject(subject: string): string {
  if (SUBJECT.test(subject)) return subject
  throw new EngineError('invalid', 'a subject has 1 to 1,400 characters of A–Z, a–z, 0–9, - and _')
}

/** Returns a key, or a topic, that an engine takes. Throws `invalid`. */
export function checkKey(key: string): string {
  if (key.length <= KEY_LENGTH_MAX && KEY.test(key)) return key
  throw new EngineError(
    'invalid',
    `a key has words of A–Z, a–z, 0–9, - and _ with dots between, at most ${KEY_LENGTH_MAX} characters`,
  )
}

/** Returns a time to live in whole seconds, rounded up. Throws `invalid`. */
export function ttlSeconds(ttlMs: number): number {
  if (ttlMs >= 1 && ttlMs <= TTL_MS_MAX) return Math.ceil(ttlMs / 1000)
  throw new EngineError('invalid', `a time to live is from 1 ms to ${TTL_MS_MAX} ms, not ${ttlMs}`)
}

/** True if `topic` is one that `pattern` takes: `*` stands for one word, a last `>` for the rest. */
export function matchesTopic(pattern: string, topic: string): boolean {
  const words = topic.split('.')
  const parts = pattern.split('.')
  for (const [index, part] of parts.entries()) {
    if (part === '>') return index === parts.length - 1 && words.length > index
    if (index >= words.length || (part !== '*' && part !== words[index])) return false
  }
  return parts.length === words.length
}
