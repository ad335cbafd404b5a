import type { Route } from '../routes/route.ts'

interface TakenMethod {
  readonly method: Route['method']
  readonly path: string
  /** Whether the path also answers HEAD. */
  readonly hasHead: boolean
}

/** The methods of each path, for the answer to a request with another method. */
export class Methods {
  readonly #paths: readonly { readonly pattern: RegExp; readonly methods: readonly string[] }[]

  constructor(taken: readonly TakenMethod[]) {
    this.#paths = taken.map(({ method, path, hasHead }) => ({
      pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
      methods: hasHead ? [method, 'HEAD'] : [method],
    }))
  }

  /** The value of the header `Allow` for a URL; undefined for a path that does not exist. */
  at(url: string): string | undefined {
    const path = url.split('?', 1)[0] ?? ''
    const methods = this.#paths.filter(({ pattern }) => pattern.test(path)).flatMap((found) => found.methods)
    return methods.length === 0 ? undefined : [...methods, 'OPTIONS'].join(', ')
  }
}
