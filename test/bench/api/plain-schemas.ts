/** Schemas for the plain alternative's requests and answers. They say as much of a block as the HTTP face does. */
const id = { type: 'string', minLength: 1, maxLength: 128 }
const anything = { type: 'object', additionalProperties: true }

export const blockParams = {
  type: 'object',
  required: ['workspace', 'block'],
  properties: { workspace: id, block: id },
}
export const patchSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { type: 'string', maxLength: 256 },
    content: { type: 'string', maxLength: 500_000 },
    fields: anything,
    data: anything,
  },
}
export const blockSchema = {
  type: 'object',
  required: ['id', 'type', 'content', 'indexingList', 'fields', 'statuses', 'data', 'version', 'updatedBy'],
  properties: {
    id,
    type: { type: 'string' },
    content: { type: 'string' },
    indexingList: { type: 'array', items: anything },
    statuses: { type: 'array', items: anything },
    fields: anything,
    data: anything,
    version: { type: 'integer' },
    updatedBy: {
      type: 'object',
      required: ['source', 'actor', 'at'],
      properties: { source: { type: 'string' }, actor: { type: 'string' }, at: { type: 'number' } },
    },
  },
}
