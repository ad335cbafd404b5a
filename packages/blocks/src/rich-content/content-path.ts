/** One step into a document: by a key of a map or an attribute, or to an item of a list, with the name of an XML element there. */
export type PathStep =
  | { readonly key: string }
  /** `index` counts from 0, as Yjs counts: a character is one position. */
  | { readonly index: number; readonly name?: string }

/** A place in a document: the name of a root, and the steps from there. */
export interface ContentPath {
  readonly root: string
  readonly path: readonly PathStep[]
}

export function below({ root, path }: ContentPath, ...steps: readonly PathStep[]): ContentPath {
  return { root, path: [...path, ...steps] }
}

/** The place of a part of a block. */
export function blockPath(id: string, ...keys: readonly string[]): ContentPath {
  return { root: 'blocks', path: [id, ...keys].map((key) => ({ key })) }
}

/** The place in words: `prosemirror/2/0`. */
export function pathText({ root, path }: ContentPath): string {
  return [root, ...path.map((step) => ('key' in step ? step.key : step.index))].join('/')
}
