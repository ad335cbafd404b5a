import { createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { Board } from '../../../apps/editor/src/board.tsx'
import '../../../apps/editor/src/editor.css'

/** The editor's board on plain state: the build puts `plain-hooks.ts` in the place of `@joinery/react`. */
const root = document.getElementById('root')
if (root === null) throw new Error('the page has no root')
createRoot(root).render(
  createElement(Board, { name: 'plain', person: { name: 'ann', hue: 20 }, onRename: () => undefined }),
)
