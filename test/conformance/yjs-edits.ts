import fc from 'fast-check'
import * as Y from 'yjs'
import type { OtherClient } from '../support/other-yjs.ts'

/** One random edit. Its numbers are taken modulo what there is. */
export interface Edit {
  readonly kind: (typeof KINDS)[number]
  readonly at: number
  readonly size: number
  readonly word: string
}

const KINDS = [
  'type',
  'erase',
  'format',
  'embed',
  'push',
  'nest in the list',
  'cut from the list',
  'set',
  'nest in the map',
  'unset',
  'edit a nested type',
  'add an element',
  'add a text',
  'set an attribute',
  'edit XML',
  'cut from XML',
] as const

export const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom(...KINDS),
  at: fc.nat(1_000),
  size: fc.integer({ min: 1, max: 8 }),
  word: fc.constantFrom('a', 'two', 'grün', '漢字', 'a longer word', ''),
})

const VALUES = [null, true, 3.5, 'text', [1, [2]], { deep: { er: 1 } }, new Uint8Array([1, 2]), 2 ** 40]

/** Makes an edit in a document of Yjs 13. */
export function makeEdit(doc: Y.Doc, { kind, at, size, word }: Edit): void {
  const [text, map, list, xml] = [
    doc.getText('content'),
    doc.getMap('map'),
    doc.getArray('list'),
    doc.getXmlFragment('xml'),
  ]
  const key = `k${at % 5}`
  const value = VALUES[at % VALUES.length]
  switch (kind) {
    case 'type':
      return text.insert(at % (text.length + 1), word || 'x', at % 3 === 0 ? { bold: true } : undefined)
    case 'erase':
      return cut(text, at, size)
    case 'format':
      if (text.length > 0) text.format(at % text.length, size, { italic: at % 2 === 0 ? true : null })
      return
    case 'embed':
      return text.insertEmbed(at % (text.length + 1), { image: word })
    case 'push':
      return list.insert(
        at % (list.length + 1),
        Array.from({ length: size }, () => value),
      )
    case 'nest in the list':
      return list.insert(at % (list.length + 1), [newType(at, word)])
    case 'cut from the list':
      return cut(list, at, size)
    case 'set':
      return void map.set(key, value)
    case 'nest in the map':
      return void map.set(key, newType(at, word))
    case 'unset':
      return map.delete(key)
    case 'edit a nested type':
      return editNested([...map.values(), ...list.toArray()], at, word)
    case 'add an element':
      return parentIn(xml, at).insert(0, [new Y.XmlElement(word === '' ? 'p' : 'heading')])
    case 'add a text':
      return parentIn(xml, at).insert(0, [new Y.XmlText(word)])
    case 'set an attribute': {
      const found = parentIn(xml, at)
      if (found instanceof Y.XmlElement) found.setAttribute(key, word)
      return
    }
    case 'edit XML':
      return editXmlText(xml, at, word)
    case 'cut from XML':
      return cut(parentIn(xml, at), at, size)
  }
}

/** Makes an edit in a document of another implementation, as near to the edit as that can come. */
export function makeOtherEdit(client: OtherClient, { kind, at, size, word }: Edit): void {
  const { length } = client
  if (kind === 'erase' || kind === 'cut from the list' || kind === 'cut from XML') {
    if (length > 0) client.delete(at % length, Math.min(size, length - (at % length)))
  } else if (kind === 'set' || kind === 'unset') client.set(`k${at % 5}`, word)
  else if (kind.startsWith('nest')) client.nest(`k${at % 5}`, word)
  else client.insert(at % (length + 1), word || 'x')
}

function newType(at: number, word: string): Y.AbstractType<unknown> {
  if (at % 3 === 0) return new Y.Map([['word', word]]) as Y.AbstractType<unknown>
  return at % 3 === 1
    ? (Y.Array.from([word, at]) as Y.AbstractType<unknown>)
    : (new Y.Text(word) as Y.AbstractType<unknown>)
}

function editNested(values: readonly unknown[], at: number, word: string): void {
  const types = values.filter((value) => value instanceof Y.AbstractType)
  const type = types[at % Math.max(1, types.length)]
  if (type instanceof Y.Map) type.set(`k${at % 3}`, at % 4 === 0 ? newType(at, word) : word)
  else if (type instanceof Y.Array) type.insert(at % (type.length + 1), [at % 4 === 0 ? newType(at, word) : word])
  else if (type instanceof Y.Text) type.insert(at % (type.length + 1), word || 'y')
}

/** The fragment, or one of the elements in it. */
function parentIn(xml: Y.XmlFragment, at: number): Y.XmlFragment {
  let parent = xml
  for (let rest = at; rest % 2 === 1; rest = Math.floor(rest / 2)) {
    const elements = parent.toArray().filter((child) => child instanceof Y.XmlElement)
    const next = elements[rest % Math.max(1, elements.length)]
    if (next === undefined) return parent
    parent = next
  }
  return parent
}

function editXmlText(xml: Y.XmlFragment, at: number, word: string): void {
  const found = parentIn(xml, at)
    .toArray()
    .find((child) => child instanceof Y.XmlText)
  if (found === undefined) return
  if (at % 3 === 0 && found.length > 0) found.format(0, 1, { bold: true })
  else found.insert(at % (found.length + 1), word || 'z')
}

function cut(
  type: { readonly length: number; delete(at: number, length: number): void },
  at: number,
  size: number,
): void {
  const { length } = type
  if (length > 0) type.delete(at % length, Math.min(size, length - (at % length)))
}

/** Everything that a document shows. */
export function shownIn(doc: Y.Doc): unknown {
  return {
    content: doc.getText('content').toDelta(),
    map: doc.getMap('map').toJSON(),
    list: doc.getArray('list').toJSON(),
    xml: doc.getXmlFragment('xml').toString(),
  }
}
