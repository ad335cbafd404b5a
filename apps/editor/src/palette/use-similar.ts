import { type SearchResult, searchWorkspace } from '@joinery/client'
import { useWorkspace } from '@joinery/react'
import { useEffect, useState } from 'react'

/** Time that a person has stopped typing for before the server is asked, ms. */
const REST_MS = 250
/** Characters of the shortest query, and the longest one, that the server is asked for. */
const QUERY_MIN = 3
const QUERY_MAX = 500
const MATCHES_MAX = 8

/** The passages that the server finds similar to a query. Undefined until it has answered, and where it does not. */
export function useSimilar(query: string): SearchResult | undefined {
  const workspace = useWorkspace()
  const [found, setFound] = useState<{ readonly query: string; readonly result: SearchResult }>()
  const asked = query.trim()
  useEffect(() => {
    if (asked.length < QUERY_MIN || asked.length > QUERY_MAX) return
    const controller = new AbortController()
    const { signal } = controller
    const timer = window.setTimeout(() => {
      searchWorkspace(workspace, asked, { limit: MATCHES_MAX, signal }).then(
        (result) => setFound({ query: asked, result }),
        // The blocks that have the words are shown all the same: those need no server.
        () => undefined,
      )
    }, REST_MS)
    return () => {
      window.clearTimeout(timer)
      controller.abort()
    }
  }, [workspace, asked])
  return found?.query === asked ? found.result : undefined
}
