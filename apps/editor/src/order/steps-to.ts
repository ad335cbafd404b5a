/** How many steps lead block `id` to where block `target` stands among `ids`; 0 when either is not there. */
export function stepsTo(ids: readonly string[], id: string, target: string): number {
  const [from, to] = [ids.indexOf(id), ids.indexOf(target)]
  return from === -1 || to === -1 ? 0 : to - from
}
