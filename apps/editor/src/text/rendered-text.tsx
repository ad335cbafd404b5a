import { useContent } from '@joinery/react'
import { memo, type ReactNode, useEffect, useMemo, useRef } from 'react'
import { linkAddress, pictureAddress } from './addresses.ts'
import { hasMarkdown, type InlinePiece, type MarkdownLine, markdownLines } from './markdown-lines.ts'
import './rendered-text.css'

/** Longest text that is shown rendered on a card, characters. The rest is shown in the editor. */
const RENDERED_LENGTH_MAX = 20_000

/**
 * The text of a block as its Markdown means it, over the field with the source. Renders nothing for a text without marks, which the
 * field shows as it is. With `isWhole`, renders every text from its beginning to its end. Screen readers read the field.
 */
export function RenderedText({ id, isWhole }: { id: string; isWhole: boolean }): ReactNode {
  const { value } = useContent(id)
  const layer = useRef<HTMLDivElement>(null)
  const isShown = isWhole || hasMarkdown(value)
  const shown = isWhole ? value : cutAtLine(value)
  // Empty lines at the end show nothing: a text does not go on below because of them.
  const lines = useMemo(() => (isShown ? markdownLines(shown.trimEnd()) : []), [isShown, shown])
  // biome-ignore lint/correctness/useExhaustiveDependencies: other lines have another height
  useEffect(() => (isShown ? followScroll(layer.current) : undefined), [isShown, lines])
  if (!isShown) return null
  return (
    <div className="rendered" ref={layer} aria-hidden="true">
      {lines.map((line) => (
        <Line key={line.at} line={line} />
      ))}
      {shown.length < value.length && <div>…</div>}
    </div>
  )
}

function cutAtLine(text: string): string {
  if (text.length <= RENDERED_LENGTH_MAX) return text
  const end = text.lastIndexOf('\n', RENDERED_LENGTH_MAX)
  return text.slice(0, end > 0 ? end : RENDERED_LENGTH_MAX)
}

const Line = memo(function Line({ line }: { line: MarkdownLine }): ReactNode {
  const { kind, level, mark, isDone, pieces } = line
  if (kind === 'rule') return <hr />
  const words = pieces.length === 0 ? '\u200B' : <Pieces pieces={pieces} />
  const name = kind === 'heading' ? `heading h${level}` : isDone ? `${kind} done` : kind
  if (kind !== 'item' && kind !== 'task') return <div className={name}>{words}</div>
  return (
    <div className={name} style={{ marginInlineStart: `${level * 1.2}em` }}>
      <span className="mark">{kind === 'task' ? (isDone ? '☑' : '☐') : mark}</span>
      <span>{words}</span>
    </div>
  )
}, isSameLine)

function isSameLine({ line: a }: { line: MarkdownLine }, { line: b }: { line: MarkdownLine }): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

function Pieces({ pieces }: { pieces: readonly InlinePiece[] }): ReactNode {
  return pieces.map((piece) => <Piece key={piece.at} piece={piece} />)
}

function Piece({ piece }: { piece: InlinePiece }): ReactNode {
  switch (piece.kind) {
    case 'text':
      return <span data-at={piece.at}>{piece.text}</span>
    case 'code':
      return <code data-at={piece.at}>{piece.text}</code>
    case 'strong':
      return (
        <strong>
          <Pieces pieces={piece.pieces} />
        </strong>
      )
    case 'emphasis':
      return (
        <em>
          <Pieces pieces={piece.pieces} />
        </em>
      )
    case 'strike':
      return (
        <s>
          <Pieces pieces={piece.pieces} />
        </s>
      )
    case 'image': {
      const src = pictureAddress(piece.src, location.href)
      return src === undefined ? <span data-at={piece.at}>🖼 {piece.alt}</span> : <img src={src} alt={piece.alt} />
    }
    case 'link': {
      const href = linkAddress(piece.href, location.href)
      return href === undefined ? (
        <Pieces pieces={piece.pieces} />
      ) : (
        // By keyboard, links are followed in the editor: what screen readers do not see must not take the focus.
        <a href={href} target="_blank" rel="noopener noreferrer" tabIndex={-1}>
          <Pieces pieces={piece.pieces} />
        </a>
      )
    }
  }
}

/** Scrolls the layer along with the field below it, which takes the wheel, marks it while the text goes on below, and tells the field its height. */
function followScroll(layer: HTMLElement | null): (() => void) | undefined {
  const field = layer?.parentElement?.querySelector('textarea')
  if (layer == null || field == null) return undefined
  const follow = (): void => {
    const last = layer.lastElementChild
    // Headings are higher than the lines of their source. In the list the field, and so its card, is as high as they need.
    const needed = last instanceof HTMLElement ? last.offsetTop + last.offsetHeight : 0
    field.style.setProperty('--rendered', `${needed}px`)
    const room = field.scrollHeight - field.clientHeight
    const over = layer.scrollHeight - layer.clientHeight
    layer.scrollTop = room <= 0 ? 0 : (field.scrollTop / room) * over
    layer.classList.toggle('goes-on', over - layer.scrollTop > 2)
  }
  // Called at once, and when the card gets another size: the browser has laid it out by then.
  const sizes = new ResizeObserver(follow)
  sizes.observe(layer)
  field.addEventListener('scroll', follow, { passive: true })
  return () => {
    sizes.disconnect()
    field.removeEventListener('scroll', follow)
    // A person who begins to write finds the card as high as it was, until the text is another one.
    if (field.ownerDocument.activeElement === field) field.addEventListener('input', forgetHeight, { once: true })
    else field.style.removeProperty('--rendered')
  }
}

const forgetHeight = ({ currentTarget }: Event): void =>
  void (currentTarget as HTMLElement).style.removeProperty('--rendered')

/**
 * The index in the source of the character that is shown at a point of the screen; undefined if the text is not shown rendered, or
 * has nothing on that line.
 */
export function sourceIndexAt(content: HTMLElement, x: number, y: number): number | undefined {
  const spans = [...content.querySelectorAll<HTMLElement>('.rendered [data-at]')]
  const distance = (box: DOMRect): number =>
    Math.max(box.top - y, 0, y - box.bottom) * 1_000 + Math.max(box.left - x, 0, x - box.right)
  let nearest: { span: HTMLElement; box: DOMRect } | undefined
  for (const span of spans) {
    for (const box of span.getClientRects()) {
      if (nearest === undefined || distance(box) < distance(nearest.box)) nearest = { span, box }
    }
  }
  const node = nearest?.span.firstChild
  if (nearest === undefined || !(node instanceof Text)) return undefined
  return Number(nearest.span.dataset.at) + indexInText(node, x, y)
}

/** The index of the gap between characters of `node` that is nearest to a point. */
function indexInText(node: Text, x: number, y: number): number {
  const range = document.createRange()
  let best = { index: 0, distance: Number.POSITIVE_INFINITY }
  for (let index = 0; index <= node.length; index++) {
    range.setStart(node, index)
    range.collapse(true)
    const box = range.getBoundingClientRect()
    const distance = Math.max(box.top - y, 0, y - box.bottom) * 1_000 + Math.abs(box.left - x)
    if (distance < best.distance) best = { index, distance }
  }
  return best.index
}
