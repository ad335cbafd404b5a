import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { forkDoc } from '../index.ts'
import { ADA, rulesOf, serverAnd } from '../testing/rules-fixture.ts'

test('[B50] what builds on edits that have not arrived waits, nested types included, and shows when they come', () => {
  const nestings: ((doc: Y.Doc) => void)[] = [
    (doc) => doc.getXmlFragment('xml').get(0) instanceof Y.XmlElement && enter(doc.getXmlFragment('xml')),
    (doc) => (doc.getMap('m').get('map') as Y.Map<unknown>).set('map', new Y.Map([['deeper', new Y.Array()]])),
    (doc) => (doc.getMap('m').get('map') as Y.Map<unknown>).set('text', new Y.Text('typed')),
    (doc) => doc.getArray('a').insert(1, [new Y.Map()]),
    (doc) => doc.getMap('m').set('map', new Y.Map([['instead', 1]])),
  ]
  const enter = (xml: Y.XmlFragment): void => {
    const paragraph = new Y.XmlElement('p')
    paragraph.insert(0, [new Y.XmlText('below')])
    xml.insertAfter(xml.get(0) as Y.XmlElement, [paragraph])
  }
  for (const nest of nestings) {
    const { server, doc } = serverAnd(ADA)
    const offline = forkDoc(server)
    offline.getXmlFragment('xml').insert(0, [new Y.XmlElement('p')])
    offline.getMap('m').set('map', new Y.Map())
    offline.getArray('a').insert(0, ['first'])
    const before = Y.encodeStateAsUpdate(offline)
    const arrived = Y.encodeStateVector(offline)
    // Another window goes on from what this one has, and is the first to be heard.
    const window = forkDoc(offline)
    nest(window)
    const ahead = Y.encodeStateAsUpdate(window, arrived)
    expect(rulesOf(server).inspect(ahead, ADA)).toBeUndefined()
    Y.applyUpdate(server, ahead)
    expect(rulesOf(server).inspect(before, ADA)).toBeUndefined()
    Y.applyUpdate(server, before)
    expect(server.getMap('m').toJSON()).toEqual(window.getMap('m').toJSON())
    expect(server.getXmlFragment('xml').toString()).toBe(window.getXmlFragment('xml').toString())
    expect(doc.clientID).not.toBe(window.clientID)
  }
})

test('[B50, B36] types that wait nest at most 100 levels in each other, in whatever order they come', () => {
  const chain = (levels: number): Uint8Array[] => {
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    let map = doc.getMap<unknown>('m')
    for (let level = 0; level < levels; level++) {
      const before = Y.encodeStateVector(doc)
      // Each level is another writer's, so that only its parent is missed.
      doc.clientID = 1_000 + level
      map = map.set('n', new Y.Map())
      updates.push(Y.encodeStateAsUpdate(doc, before))
    }
    return updates
  }
  for (const order of [(updates: Uint8Array[]) => updates, (updates: Uint8Array[]) => updates.reverse()]) {
    const server = new Y.Doc()
    const codes = order(chain(150).slice(1)).map((update) => {
      const refusal = rulesOf(server).inspect(update, ADA)
      if (refusal === undefined) Y.applyUpdate(server, update)
      return refusal?.code
    })
    expect(codes.indexOf('too_deep')).toBe(100)
  }
  // Paragraphs beside each other are no nesting, however many of them wait.
  const [server, offline] = [new Y.Doc(), new Y.Doc()]
  const fragment = offline.getMap('m').set('page', new Y.XmlFragment())
  const arrived = Y.encodeStateVector(offline)
  const window = forkDoc(offline)
  const page = window.getMap('m').get('page') as typeof fragment
  for (let i = 0; i < 300; i++) page.insert(i, [new Y.XmlElement('p')])
  expect(rulesOf(server).inspect(Y.encodeStateAsUpdate(window, arrived), ADA)).toBeUndefined()
})
