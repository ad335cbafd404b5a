import { ResourceError } from '../resource-error.ts'

/** The rule that a URL breaks. */
export type RefusedWhy =
  | 'no_url'
  | 'scheme'
  | 'user_info'
  | 'fragment'
  | 'port'
  /** The address, or one of those that the name has, is none of the public internet. */
  | 'address'
  /** A header that only the server may set, or that can't be sent. */
  | 'header'

/** Thrown for a URL that the server does not call. The message does not say which addresses a name has. */
export class EgressError extends ResourceError {
  override name = 'EgressError'
  readonly why: RefusedWhy
  constructor(why: RefusedWhy, message: string) {
    super('refused_url', message)
    this.why = why
  }
}
