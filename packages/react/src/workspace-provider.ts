import type { Workspace, WorkspaceOptions } from '@joinery/client'
import {
  createContext,
  createElement,
  type ReactNode,
  useCallback,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { HeldWorkspace } from './held-workspace.ts'

export const WorkspaceContext = createContext<Workspace | undefined>(undefined)

export type WorkspaceProviderProps =
  /** A workspace that the application opened and closes. */
  | { readonly workspace: Workspace; readonly children?: ReactNode }
  /**
   * Opened when the provider mounts, opened anew when what they name changes, closed when it unmounts. The object's identity
   * means nothing; of `token` the one last rendered is asked for before each connection, and another text ends a refusal.
   * `fallback` shows until it is open (one render, and on a server). What can never connect throws `bad_options` to the error
   * boundary.
   */
  | { readonly options: WorkspaceOptions; readonly fallback?: ReactNode; readonly children?: ReactNode }

/** Gives the hooks below it their workspace. */
export function WorkspaceProvider(props: WorkspaceProviderProps): ReactNode {
  if ('workspace' in props) return createElement(WorkspaceContext, { value: props.workspace }, props.children)
  return createElement(OpenedWorkspace, props)
}

type OpenedProps = Extract<WorkspaceProviderProps, { options: WorkspaceOptions }>

function OpenedWorkspace({ options, fallback, children }: OpenedProps): ReactNode {
  const [held] = useState(() => new HeldWorkspace())
  const latest = useRef(options)
  const key = keyOf(options)
  useEffect(() => {
    const { token } = latest.current
    latest.current = options
    if (options.token !== token && typeof options.token === 'string') held.retryRefused()
  })
  // React looks at the snapshot again once it has subscribed, and so shows what subscribing has opened.
  const subscribe = useCallback(() => {
    held.acquire(key, { ...latest.current, token: () => readToken(latest.current) })
    return () => held.release()
  }, [held, key])
  const workspace = useSyncExternalStore(subscribe, held.get, noWorkspace)
  if (workspace === undefined) return fallback
  return createElement(WorkspaceContext, { value: workspace }, children)
}

/** On a server nothing is opened. */
const noWorkspace = (): undefined => undefined

/** What makes it another workspace, or another person's view of it. */
function keyOf({ url, workspace, actor, source, offline }: WorkspaceOptions): string {
  return JSON.stringify([url, workspace, actor ?? null, source ?? null, offline ?? null])
}

async function readToken({ token }: WorkspaceOptions): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token
}
