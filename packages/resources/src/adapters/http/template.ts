import type { Json, JsonObject } from '@joinery/blocks'
import { ResourceError } from '../../resource-error.ts'
import type { CallContext } from '../adapter.ts'

/** A place for a value in a text, such as `{name}` or `{detail.amount}`. */
const PLACE = /\{([a-zA-Z]+(?:\.[A-Za-z0-9_]+)?)\}/g
const WHOLE = /^\{([a-zA-Z]+(?:\.[A-Za-z0-9_]+)?)\}$/
const NAMES = new Set(['workspace', 'block', 'machine', 'name', 'key', 'externalId'])

type Values = CallContext & { readonly key?: string }

/** The places of a text that no call can fill. */
export function unknownPlaces(text: string): string[] {
  return [...text.matchAll(PLACE)]
    .map(([, place = '']) => place)
    .filter((place) => !NAMES.has(place) && !/^detail\./.test(place))
}

/**
 * A URL with its values, each encoded as one part of it. Throws {@link ResourceError} `rejected` for "." and "..", which lead out of
 * their part.
 */
export function fillUrl(url: string, values: Values): string {
  return url.replaceAll(PLACE, (_, place: string) => {
    const text = textOf(valueAt(place, values))
    if (text === '.' || text === '..') {
      throw new ResourceError('rejected', `the ${place} "${text}" can’t stand in a URL: choose another`)
    }
    return encodeURIComponent(text)
  })
}

/** A body with its values: a text that is one place becomes the value itself, with its type. */
export function fillBody(body: Json, values: Values): Json {
  if (typeof body === 'string') {
    const [, place] = WHOLE.exec(body) ?? []
    if (place !== undefined) return valueAt(place, values) ?? null
    return body.replaceAll(PLACE, (_, inner: string) => textOf(valueAt(inner, values)))
  }
  if (Array.isArray(body)) return body.map((each: Json) => fillBody(each, values))
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(Object.entries(body).map(([key, each]) => [key, fillBody(each as Json, values)]))
}

function valueAt(place: string, { resource, detail, key, externalId }: Values): Json | undefined {
  if (place.startsWith('detail.')) {
    const name = place.slice('detail.'.length)
    return Object.hasOwn(detail, name) ? detail[name] : undefined
  }
  return { ...resource, key, externalId }[place as 'name']
}

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The value at a JSON Pointer (RFC 6901); undefined if there is none. */
export function at(pointer: string, value: unknown): unknown {
  if (pointer === '') return value
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((inside, part) => {
      if (typeof inside !== 'object' || inside === null || !Object.hasOwn(inside, part)) return undefined
      return (inside as JsonObject)[part]
    }, value)
}
