import * as Y from 'yjs'
import type { StructId } from '../document-rules/update-reader.ts'
import { lengthOf, type WrittenContent, type WrittenStruct, writeUpdate } from './struct-writer.ts'

/** Draws whole numbers from a seed: below `count`, from 0. */
export type Draw = (count: number) => number

export function drawFrom(seed: number): Draw {
  let state = seed
  return (count) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count)
  }
}

const ROOTS = ['text', 'map', 'array', 'xml', 'blocks', 'other'] as const
const KEYS = ['a', 'b'] as const

/** A client with stock Yjs and undo, whose edits of all kinds reach the server late or soon. */
export class HonestClient {
  readonly doc = new Y.Doc()
  readonly sent: Uint8Array[] = []
  readonly #undo: Y.UndoManager

  constructor(clientId: number) {
    this.doc.clientID = clientId
    const { doc } = this
    const scope = [doc.getText('text'), doc.getMap('map'), doc.getArray('array'), doc.getXmlFragment('xml')]
    this.#undo = new Y.UndoManager(scope, { captureTimeout: 0 })
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'server') this.sent.push(update)
    })
  }

  edit(draw: Draw): void {
    const text = this.doc.getText('text')
    const at = (length: number): number => draw(length + 1)
    const kinds: (() => unknown)[] = [
      () => text.insert(at(text.length), draw(2) === 0 ? 'ab😀' : 'xyz'),
      () => text.insert(at(text.length), 'b', { bold: draw(2) === 0 }),
      () => text.length > 0 && text.delete(draw(text.length), 1),
      () => text.length > 2 && text.format(draw(text.length - 2), 2, { bold: draw(2) === 0 ? true : null }),
      () => text.insertEmbed(at(text.length), { image: 1 }),
      () => this.doc.getMap('map').set(KEYS[draw(2)] as string, draw(9)),
      () => this.doc.getMap('map').set(KEYS[draw(2)] as string, new Y.Text('nested')),
      () => this.doc.getMap('map').delete(KEYS[draw(2)] as string),
      () => this.#nested()?.insert(0, 'n'),
      () => this.#array(at, draw),
      () => this.#xml(draw),
      () => this.#undo.undo(),
      () => this.#undo.undo(),
      () => this.#undo.redo(),
    ]
    kinds[draw(kinds.length)]?.()
  }

  #nested(): Y.Text | undefined {
    const found = [...this.doc.getMap('map').values(), ...this.doc.getArray('array').toArray()]
    return found.find((value): value is Y.Text => value instanceof Y.Text)
  }

  #array(at: (length: number) => number, draw: Draw): void {
    const array = this.doc.getArray('array')
    const kind = draw(4)
    if (kind === 0 && array.length > 0) array.delete(draw(array.length), 1)
    else if (kind === 1) array.insert(at(array.length), [new Y.Map([['k', draw(9)]])])
    else if (kind === 2) array.insert(at(array.length), [new Y.Text('in'), draw(9)])
    else array.insert(at(array.length), [draw(9), 'two'])
  }

  #xml(draw: Draw): void {
    const xml = this.doc.getXmlFragment('xml')
    const kind = draw(4)
    const first = xml.length > 0 ? xml.get(0) : undefined
    if (kind === 0 && xml.length > 0) xml.delete(draw(xml.length), 1)
    else if (kind === 1 && first instanceof Y.XmlElement) first.setAttribute(KEYS[draw(2)] as string, 'v')
    else if (kind === 2 && first instanceof Y.XmlElement) first.insert(0, [new Y.XmlText('t')])
    else xml.insert(draw(xml.length + 1), [new Y.XmlElement('p')])
  }
}

/** Draws an update that Yjs can read and that no client may have made: it builds on anything, in any way. */
export function hostileUpdate(doc: Y.Doc, draw: Draw): Uint8Array {
  const ids = idsOf(doc, draw)
  const clients: { client: number; clock: number; structs: WrittenStruct[] }[] = []
  for (let count = 1 + draw(2); count > 0; count--) {
    // Few client ids, so that the next update goes on where this one ends. Some are an honest client's.
    const honest = 1 + draw(3)
    const client = draw(12) === 0 && Y.getState(doc.store, honest) > 0 ? honest : 100 + draw(4)
    if (clients.some((other) => other.client === client)) continue
    const state = Y.getState(doc.store, client)
    const first = draw(8) === 0 ? state + draw(3) : draw(12) === 0 ? Math.max(0, state - draw(3)) : state
    let clock = first
    const structs: WrittenStruct[] = []
    for (let left = 1 + draw(4); left > 0; left--) {
      const struct = hostileStruct(ids, draw)
      structs.push(struct)
      for (let at = 0; at < lengthOf(struct); at++) ids.push({ client, clock: clock + at })
      clock += lengthOf(struct)
    }
    clients.push({ client, clock: first, structs })
  }
  const deletions = draw(4) === 0 ? [hostileDeletion(ids, draw)] : []
  return writeUpdate({ clients, deletions })
}

/** Ids of all that stands in one list of the document, or in all of them, and some that nobody has written yet. */
function idsOf(doc: Y.Doc, draw: Draw): StructId[] {
  const ids: StructId[] = []
  const only = draw(3) > 0 ? someParent(doc, draw) : undefined
  for (const [client, structs] of doc.store.clients) {
    for (const struct of structs) {
      if (only !== undefined && (!(struct instanceof Y.Item) || struct.parent !== only)) continue
      for (let at = 0; at < struct.length; at++) ids.push({ client, clock: struct.id.clock + at })
    }
    if (draw(6) === 0) ids.push({ client, clock: Y.getState(doc.store, client) + draw(2) })
  }
  return ids
}

function someParent(doc: Y.Doc, draw: Draw): unknown {
  const parents = [...doc.store.clients.values()]
    .flat()
    .flatMap((item) => (item instanceof Y.Item ? [item.parent] : []))
  return parents[draw(parents.length)]
}

function hostileStruct(ids: readonly StructId[], draw: Draw): WrittenStruct {
  if (draw(20) === 0) return { kind: draw(4) === 0 ? 'skip' : 'gc', length: 1 + draw(3) }
  const content = hostileContent(draw)
  const id = (): StructId | undefined => (draw(4) === 0 ? undefined : ids[draw(ids.length)])
  const parent = draw(3) === 0 ? ids[draw(ids.length)] : undefined
  return {
    kind: 'item',
    origin: id(),
    rightOrigin: id(),
    parent: parent ?? (ROOTS[draw(ROOTS.length)] as string),
    parentSub: draw(2) === 0 ? KEYS[draw(2)] : undefined,
    content,
  }
}

function hostileContent(draw: Draw): WrittenContent {
  const kinds: (() => WrittenContent)[] = [
    () => ({ kind: 'string', text: ['h', 'hi', '😀', 'wörld'][draw(4)] as string }),
    () => ({ kind: 'string', text: 'evil' }),
    () => ({ kind: 'deleted', length: 1 + draw(3) }),
    () => ({ kind: 'any', values: [draw(9), 'v', null].slice(draw(2)) }),
    () => ({ kind: 'json', values: [draw(9)] }),
    () => ({ kind: 'type', typeRef: draw(7) }),
    () => ({ kind: 'format', key: 'bold', value: draw(2) === 0 ? true : null }),
    () => ({ kind: 'embed' }),
    () => ({ kind: 'binary' }),
    () => ({ kind: 'doc', guid: `g${draw(3)}` }),
  ]
  return (kinds[draw(kinds.length)] as () => WrittenContent)()
}

function hostileDeletion(ids: readonly StructId[], draw: Draw) {
  const target = ids[draw(ids.length)] ?? { client: 100, clock: 0 }
  return { client: target.client, ranges: [[target.clock, 1 + draw(4)] as const] }
}

/** The content of all lists of a document, whatever type an application reads them as: what stands, in which order. */
export function contentOf(doc: Y.Doc): unknown {
  const roots = [...doc.share].map(([name, type]) => [name, contentOfType(type as Y.AbstractType<unknown>)] as const)
  // A replica has a root as soon as somebody names it.
  return Object.fromEntries(roots.filter(([, { list, map }]) => list.length + map.length > 0))
}

function contentOfType(type: Y.AbstractType<unknown>): { list: unknown[]; map: unknown[] } {
  const list: unknown[] = []
  for (let item = type._start; item !== null; item = item.right) if (!item.deleted) list.push(...contentOfItem(item))
  const map = [...type._map].filter(([, item]) => !item.deleted).map(([key, item]) => [key, contentOfItem(item)])
  return { list, map: map.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)) }
}

function contentOfItem({ content }: Y.Item): unknown[] {
  if (content instanceof Y.ContentType) return [[content.type.constructor.name, contentOfType(content.type)]]
  // Yjs tears a pair of surrogates in the replica that looks between the two, even if no edit follows.
  if (content instanceof Y.ContentString) return content.str.replace(/[\ud800-\udfff\ufffd]/g, '?').split('')
  if (content instanceof Y.ContentFormat) return [[content.key, content.value]]
  if (content instanceof Y.ContentEmbed) return [content.embed]
  if (content instanceof Y.ContentDoc) return [content.doc.guid]
  return content.getContent()
}
