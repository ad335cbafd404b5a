import fc from 'fast-check'
import * as Y from 'yjs'
import { isSameJson } from '../json.ts'
import type { YType } from '../rich-content/rich-type.ts'
import { insertPlain, setPlain } from '../set-plain.ts'

/** One random edit: numbers that {@link editDoc} turns into an edit of any document. */
export type RandomEdit = readonly number[]

export const randomEdit: fc.Arbitrary<RandomEdit> = fc.array(fc.nat(1_000), { minLength: 8, maxLength: 8 })

const WORDS = ['the ', 'cat', '\n', 'a<b & "c"', '\ue000', '漢字']
const VALUES: readonly unknown[] = [
  null,
  true,
  'text',
  1.5,
  [1, 'two', { three: 3 }],
  { deep: { bytes: new Uint8Array([1, 2]) } },
  new Uint8Array([3, 4, 255]),
  { type: 'Uint8Array', base64: 'AQID' },
  { constructor: 1 },
  undefined,
  10n ** 17n,
]
const ROOTS = { prosemirror: Y.XmlFragment, text: Y.Text, nodes: Y.Map, list: Y.Array } as const

/** Makes one edit somewhere in the document, below its roots. */
export function editDoc(doc: Y.Doc, [root = 0, ...numbers]: RandomEdit): void {
  const names = Object.keys(ROOTS) as (keyof typeof ROOTS)[]
  const name = names[root % names.length] ?? 'text'
  doc.transact(() => editType(doc.get(name, ROOTS[name]), numbers))
}

/** Makes one edit in the type, or in one of the types below it. */
export function editType(type: YType, [down = 0, ...numbers]: readonly number[]): void {
  const children = childrenOf(type)
  const child = children[down % (children.length + 1)]
  if (child !== undefined) return editType(child, [...numbers, down >> 2])
  const [what = 0, at = 0, length = 0, kind = 0, mark = 0] = numbers
  if (type instanceof Y.XmlText || type instanceof Y.Text) editText(type, what, at, length, kind, mark)
  else if (type instanceof Y.XmlFragment) editXml(type, what, at, length, kind)
  else if (type instanceof Y.Map) {
    const key = `k${at % 4}`
    if (what % 4 === 0) type.delete(key)
    else setPlain(type, key, someValue(kind))
  } else if (type instanceof Y.Array) {
    const index = at % (type.length + 1)
    if (what % 3 === 0) type.delete(index, Math.min(length % 3, type.length - index))
    // Yjs' arrays take neither of the last two.
    else insertPlain(type, index, someValue(kind, VALUES.length - 2))
  }
}

function editText(text: Y.Text, what: number, at: number, length: number, kind: number, mark: number): void {
  const index = at % (text.length + 1)
  const part = Math.min(length % 6, text.length - index)
  const marks = [{}, { bold: true }, { bold: null }, { link: { href: 'x' } }, { color: 'red', bold: true }][mark % 5]
  if (what % 6 === 0) text.delete(index, part)
  else if (what % 6 === 1)
    text.insertEmbed(index, kind % 2 ? { image: kind % 3 } : new Y.Map([['k0', kind % 3]]), marks)
  else if (what % 6 === 2) text.format(index, part, marks ?? {})
  else if (what % 6 === 3 && kind % 2) text.setAttribute(`a${kind % 3}`, kind)
  else text.insert(index, WORDS[kind % WORDS.length] ?? '', mark % 2 ? marks : undefined)
}

function editXml(xml: Y.XmlFragment, what: number, at: number, length: number, kind: number): void {
  const index = at % (xml.length + 1)
  if (what % 4 === 0) xml.delete(index, Math.min(length % 3, xml.length - index))
  else if (what % 4 === 1 && xml instanceof Y.XmlElement)
    kind % 3 ? xml.setAttribute(`a${kind % 4}`, String(length)) : xml.removeAttribute(`a${length % 4}`)
  else {
    const made = kind % 3 ? new Y.XmlElement(kind % 2 ? 'paragraph' : 'bulletList') : new Y.XmlText('new ')
    if (made instanceof Y.XmlElement && kind % 2) made.insert(0, [new Y.XmlText(`word ${kind % 7}`)])
    xml.insert(index, [made])
  }
}

function someValue(kind: number, count = VALUES.length): unknown {
  switch (kind % 12) {
    case 0:
      return new Y.Text('note')
    case 1:
      return new Y.Map([['k1', new Y.Array()]])
    case 2:
      return Y.Array.from([1, 'two'])
    case 3:
      return new Y.XmlElement('card')
    case 4:
      return new Y.XmlFragment()
    case 5:
      return new Y.XmlHook('widget')
    default:
      return VALUES[kind % count]
  }
}

function childrenOf(type: YType): YType[] {
  const children: YType[] = []
  const add = (item: Y.Item): void => {
    if (!item.deleted && item.content instanceof Y.ContentType) children.push(item.content.type)
  }
  for (const item of type._map.values()) add(item)
  for (let item = type._start; item !== null; item = item.right) add(item)
  return children
}

/** All that the types below the roots show, as Yjs' own functions tell it. */
export function shownIn(doc: Y.Doc): unknown {
  const roots = Object.entries(ROOTS).map(([name, root]) => [name, shownBy(doc.get(name, root))])
  return Object.fromEntries(roots)
}

/** All that a value shows: types by their class, texts by their delta. */
export function shownBy(value: unknown): unknown {
  if (value instanceof Y.XmlText || value instanceof Y.Text) {
    const pieces: { insert: unknown; attributes: unknown }[] = []
    for (const { insert, attributes } of value.toDelta() as { insert: unknown; attributes?: unknown }[]) {
      const last = pieces.at(-1)
      // Yjs also cuts where a mark ends that has no characters.
      const isSame = isSameJson(last?.attributes, attributes)
      if (typeof insert === 'string' && typeof last?.insert === 'string' && isSame) last.insert += insert
      else pieces.push({ insert: shownBy(insert), attributes })
    }
    return [value.constructor.name, value.getAttributes(), pieces]
  }
  if (value instanceof Y.XmlElement)
    return [value.constructor.name, value.nodeName, value.getAttributes(), value.toArray().map(shownBy)]
  if (value instanceof Y.XmlFragment) return [value.constructor.name, value.toArray().map(shownBy)]
  if (value instanceof Y.Map) {
    const entries = [...value.entries()].map(([key, each]) => [key, shownBy(each)])
    return [value.constructor.name, (value as Y.XmlHook).hookName, Object.fromEntries(entries)]
  }
  return value instanceof Y.Array ? [value.constructor.name, value.toArray().map(shownBy)] : value
}
