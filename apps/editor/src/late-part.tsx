import { ObservableValue } from '@joinery/client'
import { useObservable } from '@joinery/react'
import type { ComponentType, ReactNode } from 'react'
import { serverHasNewerPage } from './page-build.ts'
import './late-part.css'

type Loaded<Props> =
  | { readonly state: 'loading' }
  | { readonly state: 'loaded'; readonly Part: ComponentType<Props> }
  | { readonly state: 'failed'; readonly isOutdated: boolean }

/**
 * A part of the page whose code is loaded when it is first shown. Until it is there, `place` is shown: with the problem if the code
 * can't be loaded, and with `undefined` before. React's `lazy` would stop the whole page, and never try again.
 */
export function latePart<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  place: (problem: ReactNode, props: Props) => ReactNode,
): (props: Props) => ReactNode {
  const loaded = new ObservableValue<Loaded<Props>>({ state: 'loading' })
  let isAsked = false
  const ask = (): void => {
    isAsked = true
    load().then(
      (Part) => loaded.set({ state: 'loaded', Part }),
      async (error: unknown) => {
        console.warn('a part of the page could not be loaded:', error)
        loaded.set({ state: 'failed', isOutdated: await serverHasNewerPage() })
      },
    )
  }
  const askAgain = (): void => {
    loaded.set({ state: 'loading' })
    ask()
  }
  // biome-ignore lint/correctness/noComponentHookFactories: called once for each part, while its module is loaded, as `lazy` is
  return function LatePart(props) {
    const now = useObservable(loaded)
    // Asked for while rendering, as `lazy` does: the code is on its way while React goes on.
    if (!isAsked) ask()
    if (now.state === 'loaded') return <now.Part {...props} />
    const problem = now.state === 'failed' ? <Problem isOutdated={now.isOutdated} onRetry={askAgain} /> : undefined
    return place(problem, props)
  }
}

function Problem({ isOutdated, onRetry }: { isOutdated: boolean; onRetry: () => void }): ReactNode {
  return isOutdated ? (
    <p role="alert" className="late-problem">
      This part could not be loaded: the server has a newer version of the page. Load the page again to open it. What
      you wrote stays.{' '}
      <button type="button" onClick={() => location.reload()}>
        Load the page again
      </button>
    </p>
  ) : (
    <p role="alert" className="late-problem">
      This part of the page could not be loaded. What you wrote is safe.{' '}
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </p>
  )
}
