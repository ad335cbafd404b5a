import type { Writable } from 'node:stream'
import { withoutSecrets } from '@joinery/resources'
import { type Logger, pino } from 'pino'

/**
 * The log of a server: JSON lines to `lines`, without secrets, wherever in a line they stand.
 *
 * @param redact takes the values of the configuration's secrets out of a line
 */
export function openLogger(level: string, lines: Writable, redact: (line: string) => string): Logger {
  return pino({ level, base: undefined, hooks: { streamWrite: (line) => withoutSecrets(redact(line)) } }, lines)
}
