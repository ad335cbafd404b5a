import { z } from 'zod'

/** Resources of one workspace whose last status is kept for one subscription, those that were told last. */
const KEPT_MAX = 1_000

const told = z.object({ status: z.string(), run: z.number().optional() })
/** The status of a resource as a delivery told it, with the number of its run. */
export type Told = Readonly<z.infer<typeof told>>
/** The resources of one delivery, and what it told of each. */
export const toldList = z.array(z.tuple([z.string(), told]))
export type ToldList = z.infer<typeof toldList>

/** Names the resource of a status as it is shown; undefined for one that is of no machine and no index. */
export function resourceKeyOf(status: object): string | undefined {
  const { block, machine, name, index_name: index } = status as Readonly<Record<string, unknown>>
  if (typeof block !== 'string') return undefined
  if (typeof index === 'string') return JSON.stringify([block, index])
  return typeof machine === 'string' && typeof name === 'string' ? JSON.stringify([block, machine, name]) : undefined
}

/** The statuses of one delivery, as the one after it needs them. */
export function toldIn(statuses: readonly object[]): ToldList {
  return statuses.flatMap((shown) => {
    const key = resourceKeyOf(shown)
    const { status, run } = shown as { readonly status?: unknown; readonly run?: { readonly no?: unknown } }
    if (key === undefined || typeof status !== 'string') return []
    return [[key, { status, ...(typeof run?.no === 'number' && { run: run.no }) }] satisfies ToldList[number]]
  })
}

/** The statuses that one subscription was told last, by their resources. */
export class ToldStatuses {
  readonly #byResource: Map<string, Told>

  constructor(list: ToldList = []) {
    this.#byResource = new Map(list)
  }

  get list(): ToldList {
    return [...this.#byResource]
  }

  get(key: string): Told | undefined {
    return this.#byResource.get(key)
  }

  take(list: ToldList): void {
    for (const [key, status] of list) {
      this.#byResource.delete(key)
      this.#byResource.set(key, status)
    }
    for (const oldest of this.#byResource.keys()) {
      if (this.#byResource.size <= KEPT_MAX) return
      this.#byResource.delete(oldest)
    }
  }
}
