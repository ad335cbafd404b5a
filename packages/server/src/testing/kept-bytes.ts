import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Bytes of this process's buffers that something still refers to. */
export function keptBytes(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}
