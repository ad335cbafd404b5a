export { PlainDocuments } from './plain-documents.ts'
