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
