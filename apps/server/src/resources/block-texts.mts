import type { AdapterWorld, BlockText } from '@joinery/resources'
import { ResourceError } from '@joinery/resources'

/** A server, and the token by which a worker reads it. */
export interface TextPlace {
  /** `http://host:port`. */
  readonly url: string
  readonly token: string | undefined
}

const ANSWER_MS = 30_000
const PAGE = 1_000

interface BlockAnswer {
  readonly id: string
  readonly type: string
  readonly content: string
}
interface EdgePage {
  readonly edges: readonly { readonly source: string; readonly target: string }[]
  readonly next: string | null
}

/** Reads the text of a block from a server; for a collection also the texts of the blocks that have an edge into it. */
export function textsFrom(place: TextPlace): NonNullable<AdapterWorld['texts']> {
  return async (workspace, block, signal) => {
    const home = `/v1/workspaces/${encodeURIComponent(workspace)}`
    const blockAt = (id: string): Promise<BlockAnswer | undefined> =>
      ask<BlockAnswer>(place, `${home}/blocks/${encodeURIComponent(id)}`, signal)
    const own = await blockAt(block)
    if (own === undefined) throw new ResourceError('rejected', `there is no block "${block}" any more`)
    const texts: BlockText[] = [{ block, text: own.content }]
    if (own.type !== 'vector_collection') return texts
    for await (const { source, target } of edgesOf(place, home, signal)) {
      if (target !== block || texts.some((it) => it.block === source)) continue
      const linked = await blockAt(source)
      if (linked !== undefined) texts.push({ block: source, text: linked.content })
    }
    return texts
  }
}

async function* edgesOf(
  place: TextPlace,
  home: string,
  signal: AbortSignal,
): AsyncGenerator<EdgePage['edges'][number]> {
  for (let after: string | null = ''; after !== null; ) {
    const asked: string = after === '' ? '' : `&after=${encodeURIComponent(after)}`
    const page: EdgePage | undefined = await ask<EdgePage>(place, `${home}/edges?limit=${PAGE}${asked}`, signal)
    yield* page?.edges ?? []
    after = page?.next ?? null
  }
}

/** Undefined for what is not there. */
async function ask<T>({ url, token }: TextPlace, path: string, signal: AbortSignal): Promise<T | undefined> {
  const answer = await fetch(`${url}${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
  })
  if (answer.ok) return (await answer.json()) as T
  await answer.body?.cancel()
  if (answer.status === 404) return undefined
  const { status } = answer
  throw new ResourceError('unavailable', `the server answered ${status} to a read of texts`, { status })
}
