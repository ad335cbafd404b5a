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
   * Options of a workspace that the provider opens when it mounts and closes when it unmounts. It opens another one when the
   * values of `options` change; a new object with the same values changes nothing. Each connection uses the `token` of the last
   * render, and a new token text ends a refusal. `fallback` is shown until the workspace is open: for one render, and on a
   * server. Options that can never work throw `bad_options` to the error boundary.
   */
  | { readonly options: WorkspaceOptions; readonly fallback?: ReactNode; readonly children?: ReactNode }

/** Provides the workspace for the hooks below it. */
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
  // React reads the snapshot again after it has subscribed, and so shows the workspace that `subscribe` opened.
  const subscribe = useCallback(() => {
    held.acquire(key, { ...latest.current, token: () => readToken(latest.current) })
    return () => held.release()
  }, [held, key])
  const workspace = useSyncExternalStore(subscribe, held.get, noWorkspace)
  if (workspace === undefined) return fallback
  return createElement(WorkspaceContext, { value: workspace }, children)
}

/** The snapshot on a server, where no workspace is opened. */
const noWorkspace = (): undefined => undefined

/** A key that differs for another workspace, and for another person's view of it. */
function keyOf({ url, workspace, actor, source, offline }: WorkspaceOptions): string {
  return JSON.stringify([url, workspace, actor ?? null, source ?? null, offline ?? null])
}

async function readToken({ token }: WorkspaceOptions): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token
}
