/**
 * The few elements that an answer of S3 has. A store's XML is flat and has no CDATA, so that no parser is needed: an element that is
 * not found is undefined.
 */
export function textOf(xml: string, element: string): string | undefined {
  const found = new RegExp(`<${element}(?:\\s[^>]*)?>([^<]*)</${element}>`).exec(xml)?.[1]
  return found === undefined ? undefined : unescaped(found)
}

/** The content of each element of this name, in order. */
export function eachOf(xml: string, element: string): readonly string[] {
  return Array.from(
    xml.matchAll(new RegExp(`<${element}(?:\\s[^>]*)?>(.*?)</${element}>`, 'gs')),
    ([, inner = '']) => inner,
  )
}

/** Whether the document's first element has this name. */
export function isDocument(xml: string, element: string): boolean {
  return new RegExp(`^\\s*(?:<\\?xml[^>]*\\?>)?\\s*<${element}[\\s/>]`).test(xml)
}

/** Whether a document of this name has its end: a list that was cut off would look like a shorter one. */
export function isWhole(xml: string, element: string): boolean {
  return new RegExp(`(?:</${element}\\s*>|^[^<]*(?:<\\?xml[^>]*\\?>)?\\s*<${element}[^<>]*/>)\\s*$`).test(xml)
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES[name] ?? whole
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole
  })
}
