import type { Route } from '../routes/route.ts'

/** The methods of each path, for the answer to a request with another method. */
export class Methods {
  readonly #paths: readonly { readonly pattern: RegExp; readonly method: string }[]

  constructor(routes: readonly Pick<Route, 'method' | 'path'>[]) {
    this.#paths = routes.map(({ method, path }) => ({
      pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
      method,
    }))
  }

  /** The value of the header `Allow` for a URL; undefined for a path that does not exist. */
  at(url: string): string | undefined {
    const path = url.split('?', 1)[0] ?? ''
    const methods = this.#paths.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
    return methods.length === 0 ? undefined : methods.join(', ')
  }
}
