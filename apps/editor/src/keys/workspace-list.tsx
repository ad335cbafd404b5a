import { type ReactNode, useEffect, useState } from 'react'
import { pagePath } from '../address.ts'
import { Mark } from '../mark.tsx'
import { loginAddress, tokens } from './page-keys.ts'
import './workspace-list.css'

type Names =
  | { readonly state: 'asking' | 'refused' | 'unreachable' }
  | { readonly state: 'known'; readonly names: readonly string[] }

/** Most names on one page of the list: the search of the browser finds one among them. */
const NAMES_MAX = 1_000

/** List of the workspaces that this person may open. */
export function WorkspaceList(): ReactNode {
  const [names, setNames] = useState<Names>({ state: 'asking' })
  useEffect(() => {
    let isCurrent = true
    const ask = (): void => void askNames().then((found) => isCurrent && setNames(found))
    ask()
    const stop = tokens.subscribe(ask)
    return () => {
      isCurrent = false
      stop()
    }
  }, [])
  const login = loginAddress()
  return (
    <main className="workspaces">
      <Mark size={44} />
      <h1>Workspaces</h1>
      {names.state === 'asking' && <p>Asking the server…</p>}
      {names.state === 'unreachable' && (
        <p role="alert">The server did not answer. Load the page again to ask once more.</p>
      )}
      {names.state === 'refused' && (
        <p role="alert">
          {login === undefined ? (
            'You need a key to see them: open this page by the whole link that you were given.'
          ) : (
            <>
              You need to log in to see them. <a href={login}>Log in</a>
            </>
          )}
        </p>
      )}
      {names.state === 'known' && names.names.length === 0 && <p>There is no workspace yet that you may open.</p>}
      {names.state === 'known' && names.names.length > 0 && (
        <ul aria-label="Workspaces">
          {names.names.map((name) => (
            <li key={name}>
              <a href={pagePath(`w/${name.split('/').map(encodeURIComponent).join('/')}`)}>{name}</a>
            </li>
          ))}
        </ul>
      )}
    </main>
  )
}

/** Asks the server page by page. Never rejects. */
async function askNames(): Promise<Names> {
  const names: string[] = []
  const token = await tokens.fresh()
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  try {
    for (let after = ''; names.length < NAMES_MAX; ) {
      const query = after === '' ? '' : `?after=${encodeURIComponent(after)}`
      const response = await fetch(pagePath(`v1/workspaces${query}`), { headers })
      if (response.status === 401 || response.status === 403) return { state: 'refused' }
      if (!response.ok) return { state: 'unreachable' }
      const page = (await response.json()) as { workspaces: string[]; next: string | null }
      names.push(...page.workspaces)
      if (page.next === null) break
      after = page.next
    }
    return { state: 'known', names }
  } catch {
    return { state: 'unreachable' }
  }
}
