import { z } from 'zod'

/** A place in a document. */
const pathSchema = z
  .array(z.union([z.object({ key: z.string() }), z.object({ index: z.int(), name: z.string().optional() })]))
  .meta({
    description:
      'steps from the root: a key of a map or an attribute, or the index of an item or child (from 0), with the name of an XML element',
  })
const place = {
  root: z.string().meta({ description: 'name of the root type; that of blocks is `blocks`' }),
  path: pathSchema,
}

export const unrestorableSchema = z
  .object({
    ...place,
    what: z.enum(['subdocument', 'value']),
    guid: z.string().optional().meta({ description: 'of the subdocument' }),
    why: z.string(),
  })
  .meta({ id: 'Unrestorable' })

const index = z
  .int()
  .meta({ description: 'a place in the sequence as it is after the change; Yjs counts an embed as 1' })
const value = z.unknown().meta({ description: 'in the forms of `data`; a large one is left out' })
const marks = z.record(z.string(), z.unknown())
/** One change of a content, as `ContentChange` of `@joinery/blocks`. */
export const contentChangeSchema = z
  .discriminatedUnion('kind', [
    z.object({ ...place, kind: z.enum(['text_inserted', 'text_deleted']), index, length: z.int(), text: z.string() }),
    z.object({ ...place, kind: z.literal('formatted'), index, length: z.int(), before: marks, after: marks }),
    z.object({ ...place, kind: z.enum(['embed_added', 'embed_removed']), index, value }),
    z.object({ ...place, kind: z.enum(['item_added', 'item_removed']), index, name: z.string().optional(), value }),
    z.object({
      ...place,
      kind: z.enum(['key_changed', 'attribute_changed']),
      key: z.string(),
      before: value.optional(),
      after: value.optional(),
    }),
  ])
  .meta({ id: 'ContentChange' })
export const changesSchema = {
  changes: z.array(contentChangeSchema).meta({ description: 'changes inside contents, as many as fit' }),
  changesOmitted: z.int().meta({ description: 'changes beyond these' }),
}
