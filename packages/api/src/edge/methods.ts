import type { Route } from '../routes/route.ts'

/** What may be asked of each path, for those who ask something else. */
export class Methods {
  readonly #paths: readonly { readonly pattern: RegExp; readonly method: string }[]

  constructor(routes: readonly Pick<Route, 'method' | 'path'>[]) {
    this.#paths = routes.map(({ method, path }) => ({
      pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
      method,
    }))
  }

  /** As the header Allow has it; undefined where there is nothing. */
  at(url: string): string | undefined {
    const path = url.split('?', 1)[0] ?? ''
    const methods = this.#paths.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
    return methods.length === 0 ? undefined : methods.join(', ')
  }
}
