/**
 * Types that a browser may show from a store's URL. None of them can run a script: SVG, HTML and PDF are saved to the disk instead.
 */
const SHOWN: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'audio/mpeg',
  'audio/ogg',
  'audio/wav',
  'audio/webm',
  'video/mp4',
  'video/webm',
  'video/ogg',
])

/** `Content-Type` and `Content-Disposition` of a download. A type that is on no list is sent as bytes, and saved. */
export function downloadHeaders({ name, type }: { readonly name: string; readonly type: string }) {
  const plain = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isShown = SHOWN.has(plain)
  return {
    contentType: isShown ? plain : 'application/octet-stream',
    contentDisposition: `${isShown ? 'inline' : 'attachment'}; filename="${asciiName(name)}"; filename*=UTF-8''${encodeName(name)}`,
  }
}

/** The name for programs that know no `filename*`: printable ASCII without what ends or escapes a quoted text. */
function asciiName(name: string): string {
  return name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%/]/g, '_')
}

/** RFC 8187, which leaves fewer characters as they are than `encodeURIComponent`. */
function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
