/**
 * Finds the first record that is another one in two copies, by halving: the copies are the same through `same`, and not through
 * `other`. `isSame` says whether they are the same through a record, and undefined if that can't be told: then the place can't be
 * told, either.
 */
export async function firstOther(
  isSame: (through: number) => Promise<boolean | undefined>,
  { same, other }: { same: number; other: number },
): Promise<number | undefined> {
  let [good, bad] = [same, other]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    const found = await isSame(middle)
    if (found === undefined) return undefined
    if (found) good = middle
    else bad = middle
  }
  return bad
}
