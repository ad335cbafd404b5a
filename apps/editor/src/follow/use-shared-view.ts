import { useWorkspace } from '@joinery/react'
import { type ReactFlowState, useReactFlow, useStoreApi, type Viewport } from '@xyflow/react'
import { useEffect } from 'react'
import { presentFollowed } from './followed.ts'
import { readView, type ShownView, VIEW_FIELD } from './shown-view.ts'

/** Least time between two states, ms: a pan makes sixty views a second, and a follower sees a movement at ten. */
const VIEW_DELAY_MS = 100

/** Shows this person's view of the canvas to the others, and follows that of another person. `frame` gives the canvas's size. */
export function useSharedView(frame: () => DOMRect | undefined): void {
  const { presence } = useWorkspace()
  const flow = useReactFlow()
  const store = useStoreApi()
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let transform: ReactFlowState['transform'] | undefined
    const say = (): void => {
      timer = undefined
      const size = frame()
      if (size !== undefined) presence.awareness.setLocalStateField(VIEW_FIELD, middleOf(flow.getViewport(), size))
    }
    // React Flow's own event leaves out the end of a scroll.
    const unsubscribe = store.subscribe((state) => {
      if (state.transform === transform) return
      transform = state.transform
      timer ??= setTimeout(say, VIEW_DELAY_MS)
    })
    return () => {
      unsubscribe()
      clearTimeout(timer)
      presence.awareness.setLocalStateField(VIEW_FIELD, undefined)
    }
  }, [presence, store, flow, frame])
  useEffect(() => {
    let shown: string | undefined
    const onNews = (): void => {
      const followed = presentFollowed.get()
      const peer = presence.others.get().find(({ clientId }) => clientId === followed?.clientId)
      const view = readView(peer?.state[VIEW_FIELD])
      const words = JSON.stringify(view)
      const size = frame()
      if (followed === undefined) shown = undefined
      if (view === undefined || size === undefined || words === shown) return
      shown = words
      const { x, y, zoom } = view
      void flow.setViewport({ x: size.width / 2 - x * zoom, y: size.height / 2 - y * zoom, zoom })
    }
    const ends = [presence.others.subscribe(onNews), presentFollowed.subscribe(onNews)]
    return () => {
      for (const end of ends) end()
    }
  }, [presence, flow, frame])
}

function middleOf({ x, y, zoom }: Viewport, { width, height }: DOMRect): ShownView {
  return {
    x: Math.round((width / 2 - x) / zoom),
    y: Math.round((height / 2 - y) / zoom),
    zoom: Math.round(zoom * 1_000) / 1_000,
  }
}
