/** Number of steps from block `id` to the place of block `target` in `ids`; 0 if either is missing. */
export function stepsTo(ids: readonly string[], id: string, target: string): number {
  const [from, to] = [ids.indexOf(id), ids.indexOf(target)]
  return from === -1 || to === -1 ? 0 : to - from
}
