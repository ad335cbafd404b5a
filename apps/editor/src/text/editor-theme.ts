import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'

/** Colours of selections. */
const HUES = 24

/** The class of a selection in a person's colour. */
export function hueClass(hue: number): string {
  const step = Math.round((hue * HUES) / 360) % HUES
  return `cm-hue-${(step + HUES) % HUES}`
}

/** Looks of the editor, in the names of the design system: those reach into a shadow tree, and style sheets do not. */
export const editorTheme: Extension = EditorView.theme({
  '&': { height: '100%', color: 'var(--ink)', fontSize: '16px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'inherit', lineHeight: '1.6', overflowY: 'auto' },
  '.cm-content': { maxWidth: '46em', margin: '0 auto', padding: '20px 24px 40vh', caretColor: 'var(--ink)' },
  '.cm-line': { padding: '0' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)', borderLeftWidth: '2px' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--wood) 26%, transparent)',
  },
  '.cm-placeholder': { color: 'var(--soft)' },
  '.cm-h1': { fontSize: '1.7em', fontWeight: '650', lineHeight: '1.3' },
  '.cm-h2': { fontSize: '1.4em', fontWeight: '650', lineHeight: '1.35' },
  '.cm-h3': { fontSize: '1.18em', fontWeight: '650' },
  '.cm-h4': { fontWeight: '650' },
  '.cm-quote': { paddingLeft: '0.9em', borderLeft: '3px solid var(--line)', color: 'var(--soft)' },
  '.cm-code-line': {
    padding: '0 0.8em',
    background: 'var(--sunk)',
    fontFamily: 'ui-monospace, monospace',
    fontSize: '0.9em',
  },
  '.cm-code': {
    padding: '0.1em 0.3em',
    borderRadius: '5px',
    background: 'var(--sunk)',
    fontFamily: 'ui-monospace, monospace',
    fontSize: '0.92em',
  },
  '.cm-code-line .cm-code': { padding: '0' },
  '.cm-link': { color: 'var(--wood)', textDecoration: 'underline', textUnderlineOffset: '3px' },
  '.cm-mark': { color: 'var(--soft)', textDecoration: 'none' },
  '.cm-list-mark': { color: 'var(--wood)' },
  '.cm-rule': { display: 'inline-block', width: '100%', verticalAlign: 'middle', borderTop: '1px solid var(--edge)' },
  '.cm-picture': { display: 'block', maxWidth: '100%', maxHeight: '60vh', borderRadius: '8px' },
  '.cm-by-person': { borderBottom: '1px solid var(--by-person)' },
  '.cm-by-job': { borderBottom: '1.5px dashed var(--by-job)', background: 'var(--by-job-tint)' },
  '.cm-others-caret': {
    position: 'relative',
    marginInline: '-1px',
    borderLeft: '2px solid light-dark(hsl(var(--hue) var(--who-line-light)), hsl(var(--hue) var(--who-line-dark)))',
  },
  '.cm-others-name': {
    position: 'absolute',
    bottom: '100%',
    left: '-2px',
    padding: '0 6px',
    borderRadius: '6px 6px 6px 0',
    background: 'hsl(var(--hue) var(--who-tone))',
    color: 'var(--on-who)',
    fontSize: '11px',
    fontWeight: '600',
    lineHeight: '16px',
    whiteSpace: 'nowrap',
    userSelect: 'none',
    pointerEvents: 'none',
    zIndex: '3',
  },
  ...Object.fromEntries(
    Array.from({ length: HUES }, (_, at) => [
      `.cm-others-selection.${hueClass((at * 360) / HUES)}`,
      { background: `hsl(${(at * 360) / HUES} 60% 50% / 24%)` },
    ]),
  ),
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: 'var(--round-small)',
    background: 'var(--card)',
    color: 'var(--ink)',
    boxShadow: 'var(--lifted)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'inherit',
    fontSize: '14px',
    maxHeight: '22em',
    padding: '4px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': {
    display: 'flex',
    justifyContent: 'space-between',
    gap: '28px',
    padding: '4px 10px',
    borderRadius: '6px',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    background: 'var(--wood)',
    color: 'var(--on-wood)',
  },
  '.cm-completionDetail': { fontStyle: 'normal', fontFamily: 'ui-monospace, monospace', opacity: '0.75' },
})
