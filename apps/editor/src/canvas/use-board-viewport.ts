import { useWorkspace } from '@joinery/react'
import { type FlowNode, placedBlocksOf } from '@joinery/react-flow'
import { type ReactFlowInstance, useReactFlow } from '@xyflow/react'
import { type RefCallback, useCallback, useEffect, useLayoutEffect, useRef } from 'react'
import { follow, presentFollowed } from '../follow/followed.ts'
import { useSharedView } from '../follow/use-shared-view.ts'
import { openCanvasDoor, openEarlyBlock } from '../panels/open-block.ts'
import { freePlaceNear } from './free-place.ts'
import { type Box, boxOf } from './node-box.ts'

/** Below this zoom a text can't be read, so that the view shows a part of the board in place of all of it. */
const READABLE_ZOOM = 0.5
const FIT = { maxZoom: 1, padding: 0.06 } as const
/** Space around a block that is brought into view, pixels of the screen. */
const MARGIN = 24

/**
 * The part of the board in view. It fits all blocks as they come and go, until the person pans or zooms. A block or a field that
 * gets the focus out of sight is brought into view, and so is one that the browser scrolls to.
 */
export function useBoardViewport(nodes: FlowNode[]) {
  const flow = useReactFlow()
  const workspace = useWorkspace()
  const latest = useRef(nodes)
  const isMine = useRef(false)
  const frameElement = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    latest.current = nodes
  })
  const fit = useCallback((): void => {
    const frame = frameElement.current
    if (frame === null || latest.current.length === 0) return
    fitOrStart(flow, latest.current, frame)
  }, [flow])

  const ids = nodes.map(({ id }) => id).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: fits again when blocks come and go
  useEffect(() => {
    const isTyping = frameElement.current?.querySelector('.react-flow__node :focus') != null
    if (!isMine.current && !isTyping && presentFollowed.get() === undefined) fit()
  }, [ids, fit])

  useEffect(
    () =>
      openCanvasDoor({
        show: (id) => {
          const node = latest.current.find((it) => it.id === id)
          const frame = frameElement.current
          if (node === undefined || frame === null) return false
          if (!isMine.current) fit()
          panTo(flow, onScreen(flow, boxOf(node)), frame.getBoundingClientRect())
          return true
        },
        showPlace: ({ x, y }) => void flow.setCenter(x, y, { zoom: flow.getZoom() }),
        fit,
        freePlace: () => {
          const frame = frameElement.current
          const isArranged = placedBlocksOf(workspace)
            .get()
            .some(({ position }) => position !== undefined)
          if (frame === null || !isArranged) return undefined
          const { left, top, width, height } = frame.getBoundingClientRect()
          const middle = flow.screenToFlowPosition({ x: left + width / 2, y: top + height / 2 })
          return freePlaceNear(middle, latest.current)
        },
      }),
    [flow, fit, workspace],
  )

  const frame = useCallback<RefCallback<HTMLDivElement>>(
    (element) => {
      frameElement.current = element
      if (element === null) return
      const sizes = new ResizeObserver(() => {
        if (!isMine.current) fit()
      })
      sizes.observe(element)
      const onScroll = ({ target }: Event): void => panInPlaceOfScroll(flow, target)
      const onFocusIn = ({ target }: FocusEvent): void => {
        if (!(target instanceof Element) || target.closest('.react-flow__node') === null) return
        const [inner, outer] = [target.getBoundingClientRect(), element.getBoundingClientRect()]
        if (isApart(inner, outer)) panTo(flow, inner, outer)
      }
      element.addEventListener('scroll', onScroll, { capture: true })
      element.addEventListener('focusin', onFocusIn)
      return () => {
        sizes.disconnect()
        element.removeEventListener('scroll', onScroll, { capture: true })
        element.removeEventListener('focusin', onFocusIn)
      }
    },
    [flow, fit],
  )
  const frameBox = useCallback(() => frameElement.current?.getBoundingClientRect(), [])
  useSharedView(frameBox)
  const onMoveStart = useCallback((event: unknown): void => {
    // Without an event it is the page that moves the view.
    if (event === null) return
    isMine.current = true
    follow(undefined)
  }, [])
  const onInit = useCallback((): void => {
    fit()
    openEarlyBlock()
  }, [fit])
  return { frame, onMoveStart, onInit }
}

/** Fits all blocks if they can be read then; shows the first ones otherwise. */
function fitOrStart(flow: ReactFlowInstance, nodes: readonly FlowNode[], frame: HTMLElement): void {
  const { clientWidth, clientHeight } = frame
  if (clientWidth === 0 || clientHeight === 0) return
  const boxes = nodes.map(boxOf)
  const [x, y] = [Math.min(...boxes.map(({ left }) => left)), Math.min(...boxes.map(({ top }) => top))]
  const width = Math.max(...boxes.map(({ right }) => right)) - x
  const height = Math.max(...boxes.map(({ bottom }) => bottom)) - y
  const room = 1 - 2 * FIT.padding
  const zoom = Math.min(FIT.maxZoom, (clientWidth * room) / width, (clientHeight * room) / height)
  if (zoom >= READABLE_ZOOM) {
    const [left, top] = [(clientWidth - width * zoom) / 2, (clientHeight - height * zoom) / 2]
    void flow.setViewport({ x: left - x * zoom, y: top - y * zoom, zoom })
  } else {
    const first = nodes[0]?.position ?? { x, y }
    void flow.setViewport({ x: MARGIN - first.x * 0.8, y: MARGIN - first.y * 0.8, zoom: 0.8 })
  }
}

function onScreen(flow: ReactFlowInstance, { left, top, right, bottom }: Box): Box {
  const from = flow.flowToScreenPosition({ x: left, y: top })
  const to = flow.flowToScreenPosition({ x: right, y: bottom })
  return { left: from.x, top: from.y, right: to.x, bottom: to.y }
}

/** Pans as little as needed to have `inner` within `outer`; its beginning if it is larger. */
function panTo(flow: ReactFlowInstance, inner: Box, outer: Box): void {
  const way = (start: number, end: number, from: number, to: number): number => {
    if (start < from + MARGIN || end - start > to - from - 2 * MARGIN) return from + MARGIN - start
    return end > to - MARGIN ? to - MARGIN - end : 0
  }
  const dx = way(inner.left, inner.right, outer.left, outer.right)
  const dy = way(inner.top, inner.bottom, outer.top, outer.bottom)
  if (dx === 0 && dy === 0) return
  const { x, y, zoom } = flow.getViewport()
  void flow.setViewport({ x: x + dx, y: y + dy, zoom })
}

const isApart = (inner: Box, outer: Box): boolean =>
  inner.right <= outer.left || inner.left >= outer.right || inner.bottom <= outer.top || inner.top >= outer.bottom

/** A browser scrolls a canvas to show what it has found or focused: the canvas pans instead, since it has no scroll position. */
function panInPlaceOfScroll(flow: ReactFlowInstance, target: EventTarget | null): void {
  if (!(target instanceof Element) || target.closest('.react-flow__node, .react-flow__panel') !== null) return
  const { scrollLeft, scrollTop } = target
  if (scrollLeft === 0 && scrollTop === 0) return
  target.scrollTo({ left: 0, top: 0, behavior: 'instant' })
  const { x, y, zoom } = flow.getViewport()
  void flow.setViewport({ x: x - scrollLeft, y: y - scrollTop, zoom })
}
