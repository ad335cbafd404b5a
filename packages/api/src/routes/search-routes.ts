import { getBlock, type LongWork, listBlocks } from '@joinery/blocks'
import type { SearchedText } from '@joinery/resources'
import type * as Y from 'yjs'
import { z } from 'zod'
import { params } from '../schemas.ts'
import { stateInTurns } from './reads.ts'
import { anyHeaders, noBody, type Route, route } from './route.ts'

/** Characters of a query: a longer text has no single topic, and each new query may cost a call of a service. */
const QUERY_CHARS_MAX = 500
const MATCHES_MAX = 50
/** Characters of a board that are searched: they are held in memory meanwhile. The answer counts the blocks behind them. */
const BOARD_CHARS_MAX = 8_000_000

const search = route(
  {
    method: 'GET',
    path: '/v1/workspaces/{workspace}/search',
    id: 'search',
    summary: 'The passages of a workspace that are most like a text',
    params: params.workspace,
    query: z.strictObject({
      q: z
        .string()
        .max(QUERY_CHARS_MAX)
        .refine((text) => text.trim() !== '', 'is blank: say what to look for'),
      limit: z
        .string()
        .regex(/^[1-9]\d?$/, 'must be a whole number')
        .transform(Number)
        .pipe(z.int().max(MATCHES_MAX))
        .default(10),
    }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description:
          'At most one passage of each block, the most similar first. Scores of different models can’t be compared.',
        schema: z.object({
          by: z.enum(['meaning', 'letters']).meta({
            description:
              '`meaning`: by vectors of a language model. `letters`: by hashed n-grams, which know words alone.',
          }),
          model: z.string().meta({ description: 'the model as the configuration names it, or what stands for one' }),
          lsn: z.int(),
          matches: z.array(
            z.object({
              block: z.string(),
              start: z.int().nullable().meta({ description: 'place in the content, code units; null for the title' }),
              text: z.string(),
              score: z.number().meta({ description: 'cosine, to 1' }),
            }),
          ),
          passages: z.int(),
          pending: z.int().meta({ description: 'passages whose vectors are being made: ask again for them' }),
          left: z.int().meta({ description: 'passages and blocks above the bounds of a search' }),
          problem: z
            .string()
            .optional()
            .meta({ description: 'why the search is by letters although a model is configured' }),
        }),
      },
    },
    errors: ['unknown_workspace', 'busy'],
  },
  async ({ params: { workspace }, query: { q, limit }, request, work }, services) => {
    const { texts, left, lsn } = await stateInTurns(
      services,
      { workspace, at: undefined, work },
      (doc, _stamps, head) => readingTexts(doc, head),
    )
    const found = await request.untilGone((signal) =>
      services.search.search({ workspace, texts, query: q, limit, signal }, work),
    )
    return { status: 200, body: { ...found, lsn, left: found.left + left } }
  },
)

/** The steps to the texts of a board. The position is that of the first step: later edits may be in the texts, too. */
function* readingTexts(
  doc: Y.Doc,
  lsn: number,
): LongWork<{ readonly texts: readonly SearchedText[]; readonly left: number; readonly lsn: number }> {
  const texts: SearchedText[] = []
  let chars = 0
  const all = listBlocks(doc)
  for (const [index, { id }] of all.entries()) {
    if (chars > BOARD_CHARS_MAX) return { texts, left: all.length - index, lsn }
    yield
    // Somebody may have deleted it since the step before.
    const block = getBlock(doc, id)
    if (block === undefined) continue
    const { text, fields } = block
    const title = fields.get('title')
    texts.push({ block: id, title: typeof title === 'string' ? title : '', text })
    chars += text.length
  }
  return { texts, left: 0, lsn }
}

export const searchRoutes: readonly Route[] = [search]
