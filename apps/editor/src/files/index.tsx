import './files.css'

export { AttachFile } from './attach-file.tsx'
export { BlockFiles } from './block-files.tsx'
export { FileDrop } from './file-drop.tsx'
