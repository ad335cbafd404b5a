/** The address that a link leads to; undefined for one that a page must not follow, such as `javascript:`. */
export function linkAddress(href: string, page: string): string | undefined {
  try {
    const { protocol, href: whole } = new URL(href, page)
    return ['http:', 'https:', 'mailto:'].includes(protocol) ? whole : undefined
  } catch {
    return undefined
  }
}

/** The address of a picture that the page may load: one of this server, which keeps the files of the board. */
export function pictureAddress(src: string, page: string): string | undefined {
  const address = linkAddress(src, page)
  return address !== undefined && new URL(address).origin === new URL(page).origin ? address : undefined
}
