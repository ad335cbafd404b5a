/** In the place of the editor's `text-binding.ts`: a text that nothing else holds. */
export const editorTextOf = (text: unknown): string => String(text)
export const textBinding = (): readonly never[] => []
