/**
 * The first `count` keys behind `after`, in code unit order, of keys in any order. Looks at each key once and keeps few of them, so that
 * a page of a large map costs no sorting of the whole.
 *
 * @param accepts whether a key counts; asked only about keys that may be among the first
 */
export function keysAfter(
  keys: Iterable<string>,
  { after, count }: { readonly after: string; readonly count: number },
  accepts: (key: string) => boolean = () => true,
): string[] {
  const first: string[] = []
  // From here on no key is among the first.
  let end: string | undefined
  for (const key of keys) {
    if (key <= after || (end !== undefined && key >= end) || !accepts(key)) continue
    first.push(key)
    if (first.length < 2 * count) continue
    first.sort().length = count
    end = first.at(-1)
  }
  return first.sort().slice(0, count)
}
