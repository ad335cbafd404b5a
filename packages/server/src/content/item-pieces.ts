import * as Y from 'yjs'

/** Characters, and values, of one piece: a fraction of a ms of work. */
const PIECE_CHARS = 64 * 1024
const PIECE_VALUES = 1_024

/**
 * Writes a struct from `offset` on: all of it, or its first piece if it is a long text or list, as Yjs itself cuts an item that somebody
 * writes into. A receiver joins the pieces again. Returns how many clocks were written.
 */
export function writePiece(encoder: Y.UpdateEncoderV1, struct: Y.Item | Y.GC, offset: number): number {
  const piece = struct instanceof Y.Item ? firstPiece(struct.content, offset) : undefined
  if (piece === undefined) {
    struct.write(encoder, offset)
    return struct.length - offset
  }
  const { id, origin, rightOrigin, parent, parentSub } = struct as Y.Item
  const [own, left] = [Y.createID(id.client, id.clock + offset), Y.createID(id.client, id.clock + offset - 1)]
  new Y.Item(own, null, offset > 0 ? left : origin, null, rightOrigin, parent, parentSub, piece).write(encoder, 0)
  return piece.getLength()
}

/** A content's piece from `offset` on; undefined when the rest of it is short, or can't be cut. */
function firstPiece(content: Y.Item['content'], offset: number): Y.Item['content'] | undefined {
  const rest = content.getLength() - offset
  if (rest <= PIECE_VALUES) return undefined
  if (content instanceof Y.ContentString) {
    return rest > PIECE_CHARS ? new Y.ContentString(textPiece(content.str, offset, offset + PIECE_CHARS)) : undefined
  }
  if (content instanceof Y.ContentAny) return new Y.ContentAny(content.arr.slice(offset, offset + PIECE_VALUES))
  if (content instanceof Y.ContentJSON) return new Y.ContentJSON(content.arr.slice(offset, offset + PIECE_VALUES))
  return undefined
}

/** Both halves of a surrogate pair stay together: by itself, each would become U+FFFD. */
function textPiece(text: string, from: number, to: number): string {
  return text.slice(from, isPair(text.charCodeAt(to - 1), text.charCodeAt(to)) ? to + 1 : to)
}

function isPair(high: number, low: number): boolean {
  return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000
}
