/** Header by which a message says behind which one it goes, and the header of the same length that NATS does not know. */
const EXPECTED = 'Nats-Expected-Last-Subject-Sequence'
const UNKNOWN = 'Xats-Expected-Last-Subject-Sequence'
/** Subjects of the workspaces' histories. The keys of owners keep their expectations. */
const HISTORIES = 'jy.log.'
const LINE_END = '\r\n'

/**
 * Makes NATS ignore what a node expects: it renames that header in each message which the node appends to a history, on the way from
 * the node to NATS. One for each connection, as it reads NATS' protocol.
 */
export class FenceStripper {
  #rest: Buffer = Buffer.alloc(0)

  /** Takes the next bytes of the connection, and returns those that go on: whole messages alone. */
  readonly pass = (chunk: Buffer): Buffer => {
    const bytes = Buffer.concat([this.#rest, chunk])
    let at = 0
    for (;;) {
      const next = this.#endOfMessage(bytes, at)
      if (next === undefined) break
      at = next
    }
    this.#rest = bytes.subarray(at)
    return bytes.subarray(0, at)
  }

  /** Where the message that begins at `at` ends; undefined if its end has not come. */
  #endOfMessage(bytes: Buffer, at: number): number | undefined {
    const lineEnd = bytes.indexOf(LINE_END, at)
    if (lineEnd < 0) return undefined
    const [verb = '', subject = '', ...words] = bytes.toString('latin1', at, lineEnd).split(' ')
    const begin = lineEnd + LINE_END.length
    if (verb !== 'PUB' && verb !== 'HPUB') return begin
    const end = begin + Number(words.at(-1)) + LINE_END.length
    if (end > bytes.length) return undefined
    if (verb === 'HPUB' && subject.startsWith(HISTORIES)) {
      const found = bytes.subarray(begin, begin + Number(words.at(-2))).indexOf(EXPECTED)
      if (found >= 0) bytes.write(UNKNOWN, begin + found, 'latin1')
    }
    return end
  }
}
