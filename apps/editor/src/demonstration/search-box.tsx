import { useWorkspace } from '@joinery/react'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { titleOf } from '../block-title.ts'
import { openBlock } from '../panels/open-block.ts'
import { type Match, searchIndex } from './demonstration-client.ts'
import './search-box.css'

type Answer =
  | { readonly state: 'none' | 'asking' }
  | { readonly state: 'found'; readonly matches: readonly Match[] }
  | { readonly state: 'failed'; readonly reason: string }

/** Searches a finished index, and shows the passages that it finds. */
export function SearchBox({
  name,
  block,
  indexes,
}: {
  name: string
  block: string
  indexes: readonly string[]
}): ReactNode {
  const workspace = useWorkspace()
  const title = (id: string): string => titleOf(workspace.blocks.get(id)?.fields.get('title'), id)
  const [index, setIndex] = useState('')
  const [answer, setAnswer] = useState<Answer>({ state: 'none' })
  const asking = useRef<AbortController>(undefined)
  useEffect(() => () => asking.current?.abort(), [])
  const chosen = indexes.includes(index) ? index : (indexes[0] ?? '')
  const formOnSubmit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const q = String(new FormData(event.currentTarget).get('q')).trim()
    asking.current?.abort()
    if (q === '') return setAnswer({ state: 'none' })
    const controller = new AbortController()
    asking.current = controller
    setAnswer({ state: 'asking' })
    searchIndex({ workspace: name, block, index: chosen, q }, controller.signal).then(
      (matches) => setAnswer({ state: 'found', matches }),
      (error: unknown) => {
        if (controller.signal.aborted) return
        setAnswer({ state: 'failed', reason: error instanceof Error ? error.message : String(error) })
      },
    )
  }
  return (
    <div className="search">
      <search>
        <form onSubmit={formOnSubmit}>
          <input
            type="search"
            name="q"
            aria-label={`Search in ${title(block)}`}
            placeholder="Search the index"
            maxLength={500}
          />
          {indexes.length > 1 && (
            <select aria-label="Index" value={chosen} onChange={({ currentTarget }) => setIndex(currentTarget.value)}>
              {indexes.map((it) => (
                <option key={it}>{it}</option>
              ))}
            </select>
          )}
          <button type="submit">Search</button>
        </form>
      </search>
      <div aria-live="polite">
        {answer.state === 'failed' && <p className="problem">{answer.reason}</p>}
        {answer.state === 'found' && answer.matches.length === 0 && <p className="soft">No passage is similar.</p>}
        {answer.state === 'found' && answer.matches.length > 0 && (
          <ol aria-label="Found passages">
            {answer.matches.map(({ block: place, start, text, score }) => (
              <li key={`${place} ${start}`}>
                <button type="button" className="quiet" onClick={() => openBlock(place, { passage: text })}>
                  <span>{text}</span>
                  <small>
                    {title(place)} · {Math.round(score * 100)} %
                  </small>
                </button>
              </li>
            ))}
          </ol>
        )}
      </div>
    </div>
  )
}
