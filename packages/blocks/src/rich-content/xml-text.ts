import * as Y from 'yjs'
import { toWellFormed } from '../well-formed.ts'

/** Gives a value that is no XML, such as an embed or an attribute of an editor, as JSON text. */
type JsonText = (value: unknown) => string

/**
 * A Yjs XML type as XML text: elements with their names, attributes sorted by name, marks as elements around their characters.
 * Characters and values are escaped, so that a parser reads what the type holds. Values without a form in XML are written as JSON: an
 * attribute that is no text, an embed as `<embed>`, a hook as `<hook>`. A text in a text is an `<embed>` with its attributes.
 * Characters that no XML document may hold become U+FFFD; in a name they are written as their code, such as `_x0020_`.
 * Nodes below `depthMax` levels are left out: recursion must not overflow the stack.
 */
export function xmlTextOf(type: Y.XmlFragment | Y.XmlText, jsonText: JsonText, depthMax: number): string {
  if (depthMax <= 0) return ''
  return type instanceof Y.XmlText ? textOf(type, jsonText, depthMax) : nodesOf(type, jsonText, depthMax)
}

function nodesOf(type: Y.XmlFragment, jsonText: JsonText, depthMax: number): string {
  const children = type
    .toArray()
    .map((child: unknown) => {
      if (isXml(child)) return xmlTextOf(child, jsonText, depthMax - 1)
      const hook = child instanceof Y.XmlHook ? { name: child.hookName } : {}
      return tag('hook', hook, escapeText(jsonText(child)), jsonText)
    })
    .join('')
  return type instanceof Y.XmlElement ? tag(type.nodeName, type.getAttributes(), children, jsonText) : children
}

function textOf(text: Y.XmlText, jsonText: JsonText, depthMax: number): string {
  return (text.toDelta() as { insert: unknown; attributes?: Record<string, unknown> }[])
    .map(({ insert, attributes = {} }) =>
      Object.keys(attributes)
        .sort()
        .reduceRight(
          (inner, mark) => tag(mark, markAttributes(attributes[mark]), inner, jsonText),
          typeof insert === 'string' ? escapeText(insert) : embedOf(insert, jsonText, depthMax),
        ),
    )
    .join('')
}

function embedOf(value: unknown, jsonText: JsonText, depthMax: number): string {
  if (!isXml(value)) return tag('embed', {}, escapeText(jsonText(value)), jsonText)
  const attributes = value instanceof Y.XmlText ? value.getAttributes() : {}
  return tag('embed', attributes, xmlTextOf(value, jsonText, depthMax - 1), jsonText)
}

function markAttributes(value: unknown): Record<string, unknown> {
  const isPlain = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isPlain) return value as Record<string, unknown>
  return value === true ? {} : { value }
}

function isXml(value: unknown): value is Y.XmlFragment | Y.XmlText {
  return value instanceof Y.XmlText || value instanceof Y.XmlFragment
}

function tag(name: string, attributes: Record<string, unknown>, inner: string, jsonText: JsonText): string {
  const element = nameOf(name)
  const written = Object.keys(attributes)
    .filter((key) => attributes[key] !== undefined)
    .sort()
    .map((key) => {
      const value = attributes[key]
      return ` ${nameOf(key)}="${escapeAttribute(typeof value === 'string' ? value : jsonText(value))}"`
    })
  return `<${element}${written.join('')}>${inner}</${element}>`
}

const NAME_START =
  'A-Z_a-z:\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}\\u{2070}-\\u{218F}' +
  '\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}'
const NAME_PART = `${NAME_START}.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}-`
/** Characters that may not stand in a name (Name of XML 1.0), and an underscore that would read as the code of a character. */
const NO_NAME = new RegExp(`^[^${NAME_START}]|[^${NAME_PART}]|_(?=x[0-9A-F]{4,6}_)`, 'gu')

/** The name with codes, so that two keys never become one attribute. */
function nameOf(name: string): string {
  const code = (char: string) => `_x${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}_`
  return name === '' ? '_x_' : name.replace(NO_NAME, code)
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** A parser turns a carriage return into a line feed, and in an attribute each kind of white space into a space. */
function escapeText(text: string): string {
  return allowed(text)
    .replace(/[&<>]/g, (char) => ENTITIES[char] ?? char)
    .replace(/\r/g, '&#13;')
}

function escapeAttribute(text: string): string {
  return allowed(text)
    .replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char)
    .replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`)
}

function allowed(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 has no form for.
  return toWellFormed(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
}
