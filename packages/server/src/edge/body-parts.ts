import { IncomingMessage } from 'node:http'
import type { ServerLimits } from '../limits.ts'
import { skipRest } from './skipped-input.ts'

/** Parts below this are small: a packet has 1,220 bytes on the smallest network that IPv6 allows. */
const SMALL_BYTES = 1_024
/** Parts below this are tiny: no program means to write so little at a time. A packet can hold eleven thousand of them. */
const TINY_BYTES = 64
/** A tiny part counts as so many small ones. */
const TINY_WEIGHT = 20

/** Node calls this method for the rest of a body that nobody reads. Its types lack it. */
interface Dumping {
  _dump(): void
}

/**
 * The class of requests whose bodies come in few small parts. Node makes an object of each part and calls the reader of the body: a
 * megabyte in chunks of a byte takes 150 MB and several seconds, and no less for a body that is thrown away.
 *
 * @param onExcess cuts the connection of a body that comes in too many
 */
export function countedBodies(
  { smallPartsMax }: Pick<ServerLimits, 'smallPartsMax'>,
  onExcess: (request: IncomingMessage) => void,
): typeof IncomingMessage {
  return class CountedBody extends IncomingMessage implements Dumping {
    #parts = 0

    override push(part: Uint8Array | null, encoding?: BufferEncoding): boolean {
      if (part === null || part.length >= SMALL_BYTES) return super.push(part, encoding)
      if (this.#parts > smallPartsMax) return false
      this.#parts += part.length < TINY_BYTES ? TINY_WEIGHT : 1
      if (this.#parts <= smallPartsMax) return super.push(part, encoding)
      skipRest(this.socket)
      onExcess(this)
      return false
    }

    /** Has the rest of a body thrown away after an answer. Node's own would do so behind {@link push}. */
    _dump(): void {
      this.resume()
    }
  }
}
