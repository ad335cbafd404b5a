import './files.css'

export { BlockFiles } from './block-files.tsx'
export { FileDrop } from './file-drop.tsx'
