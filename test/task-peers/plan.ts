const UPLOADS = 8
const EMBEDDINGS = 3

/** The effects of the saga in their order: a charge, files, embeddings, and the link that makes them visible. */
export const EFFECTS: readonly string[] = [
  'charge',
  ...Array.from({ length: UPLOADS }, (_, at) => `upload-${at + 1}`),
  ...Array.from({ length: EMBEDDINGS }, (_, at) => `embed-${at + 1}`),
  'link',
]

/** The effect that takes another one back; undefined for one that needs none. */
export function undoOf(effect: string): string | undefined {
  if (effect === 'charge') return 'refund'
  return effect.startsWith('upload-') ? effect.replace('upload', 'delete') : undefined
}

/** The effects that take back what stands when the last one is refused, in their order. */
export const UNDOS: readonly string[] = EFFECTS.slice(0, -1)
  .reverse()
  .flatMap((effect) => undoOf(effect) ?? [])
