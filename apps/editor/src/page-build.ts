/** Address of the page's first script. Its name has a hash that covers all files of the build; undefined in a test without a page. */
export function pageScript(): string | undefined {
  return document.querySelector<HTMLScriptElement>('script[type=module][src]')?.src
}

/** Whether the server's page is of another build than this one. False also if the server does not answer. */
export async function serverHasNewerPage(): Promise<boolean> {
  const name = pageScript()?.split('/').at(-1)
  if (name === undefined) return false
  try {
    const response = await fetch(location.pathname, { cache: 'no-store' })
    return response.ok && !(await response.text()).includes(name)
  } catch {
    // Offline: nothing is known of the server's page.
    return false
  }
}
