import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { createBlock } from '../index.ts'
import { jsonFormOf } from './json-form.ts'
import { writeJson } from './write-json.ts'

function docWith(fill: (fragment: Y.XmlFragment) => void): Y.Map<unknown> {
  const { data } = createBlock(new Y.Doc(), 'a', { type: 'text' })
  const fragment = data.set('xml', new Y.XmlFragment())
  fill(fragment)
  return data
}

test('[B58] XML reads as text that a parser reads as what the type holds', () => {
  const data = docWith((fragment) => {
    const paragraph = new Y.XmlElement<{ [key: string]: string | number | object }>('codeBlock')
    fragment.insert(0, [paragraph as unknown as Y.XmlElement])
    paragraph.setAttribute('title', 'a "quoted" <b> & c\nd')
    paragraph.setAttribute('level', 2)
    paragraph.setAttribute('2 x', { k: '<' })
    const text = new Y.XmlText()
    paragraph.insert(0, [text])
    text.insert(0, 'if (a < b && c > d)\u0000\r')
    text.insert(0, 'bold', { strong: {} })
    text.insert(0, 'link', { link: { href: '?a=1&b="2"' }, em: true })
    text.insertEmbed(0, { image: '<i>' })
  })
  expect(jsonFormOf(data.get('xml'))).toBe(
    '<codeBlock _x0032__x0020_x="{&quot;k&quot;:&quot;&lt;&quot;}" level="2" title="a &quot;quoted&quot; &lt;b&gt; &amp; c&#10;d">' +
      '<embed>{"image":"&lt;i&gt;"}</embed>' +
      '<em><link href="?a=1&amp;b=&quot;2&quot;">link</link></em><strong>bold</strong>' +
      'if (a &lt; b &amp;&amp; c &gt; d)\ufffd&#13;</codeBlock>',
  )
})

test('[B58] writing XML text back writes nothing, and other XML text is refused', () => {
  const data = docWith((fragment) => fragment.insert(0, [new Y.XmlText('<&>')]))
  const before = Y.encodeStateVector(data.doc as Y.Doc)
  expect(jsonFormOf(data)).toEqual({ xml: '&lt;&amp;&gt;' })
  writeJson(data, { xml: '&lt;&amp;&gt;' }, 'patch')
  expect(Y.encodeStateVector(data.doc as Y.Doc)).toEqual(before)
  expect(() => writeJson(data, { xml: '<p></p>' }, 'patch')).toThrow('XML')
})

test('[B58] XML names stay apart, a text in a text is read, and depth has an end', () => {
  const data = docWith((fragment) => {
    const element = new Y.XmlElement('a b')
    fragment.insert(0, [element])
    for (const key of ['a b', 'a_b', 'a_x0020_b', '']) element.setAttribute(key, key)
    const [outer, inner] = [new Y.XmlText(), new Y.XmlText()]
    element.insert(0, [outer])
    outer.insertEmbed(0, inner)
    inner.setAttribute('__type', 'paragraph')
    inner.insert(0, '<in>')
  })
  expect(jsonFormOf(data.get('xml'))).toBe(
    '<a_x0020_b _x_="" a_x0020_b="a b" a_b="a_b" a_x005F_x0020_b="a_x0020_b">' +
      '<embed __type="paragraph">&lt;in&gt;</embed></a_x0020_b>',
  )
  const deep = docWith((fragment) => {
    let parent = fragment
    for (let level = 0; level < 700; level++) {
      const child = new Y.XmlElement('p')
      parent.insert(0, [child])
      parent = child
    }
  })
  expect(String(jsonFormOf(deep.get('xml')))).toMatch(/^(<p>)+(<\/p>)+$/)
})
