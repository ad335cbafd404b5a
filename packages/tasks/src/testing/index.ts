export { PlainDocuments } from './plain-documents.ts'
export { sagaOf, TaskScene } from './task-scene.ts'
