import * as Y from 'yjs'

/** The writer of a passage, as the server's log names it. */
export interface Author {
  readonly actor: string
  readonly source: string
}

/** A passage of a text by one client, or by one author: indexes in the plain string. */
export interface Run<Of> {
  readonly from: number
  readonly to: number
  readonly by: Of
}

/** The passages of a text by the Yjs client that wrote them, in their order. */
export function clientRuns(text: Y.Text): Run<number>[] {
  const runs: Run<number>[] = []
  let at = 0
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted || !(item.content instanceof Y.ContentString)) continue
    const from = at
    at += item.content.str.length
    const last = runs.at(-1)
    if (last?.by === item.id.client) runs[runs.length - 1] = { ...last, to: at }
    else runs.push({ from, to: at, by: item.id.client })
  }
  return runs
}

/** Name of one author among others: two sources of one actor are two. */
export const keyOf = (author: Author | undefined): string =>
  author === undefined ? '' : JSON.stringify([author.source, author.actor])

/** The passages by author. Passages of clients that nobody knows are `undefined`'s. */
export function authorRuns(
  runs: readonly Run<number>[],
  authors: ReadonlyMap<number, Author>,
): Run<Author | undefined>[] {
  const merged: Run<Author | undefined>[] = []
  for (const { from, to, by } of runs) {
    const author = authors.get(by)
    const last = merged.at(-1)
    if (last !== undefined && keyOf(last.by) === keyOf(author)) merged[merged.length - 1] = { ...last, to }
    else merged.push({ from, to, by: author })
  }
  return merged
}

/** An author's part of a text. */
export interface Share {
  readonly by: Author | undefined
  readonly characters: number
  /** Its part of the text in whole percent, at least 1. */
  readonly percent: number
}

/** How much each author wrote, the most first. */
export function sharesOf(runs: readonly Run<Author | undefined>[]): Share[] {
  const shares = new Map<string, Omit<Share, 'percent'>>()
  let all = 0
  for (const { from, to, by } of runs) {
    const key = keyOf(by)
    shares.set(key, { by, characters: (shares.get(key)?.characters ?? 0) + to - from })
    all += to - from
  }
  return [...shares.values()]
    .map(({ by, characters }) => ({ by, characters, percent: Math.max(1, Math.round((characters / all) * 100)) }))
    .sort((a, b) => b.characters - a.characters)
}

/** The author at an index: of the character before a caret there. */
export function authorAt(runs: readonly Run<Author | undefined>[], index: number): Author | undefined {
  let [low, high] = [0, runs.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((runs[middle]?.to ?? 0) < index) low = middle + 1
    else high = middle
  }
  return runs[low]?.by
}
