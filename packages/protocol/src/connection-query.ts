/** What a client may put into the query string of its socket's URL. Parsed by the server, written by the SDK. */
export const QUERY = {
  /** `1` asks for Joinery's own message. */
  joinery: 'joinery',
  /** The JWT. */
  token: 'token',
  /** The generation of the client's local copy; absent when it has none. */
  generation: 'generation',
  /** The class of writer this connection speaks for, within what its token allows. */
  source: 'source',
  /** The actor's name; only heeded in development mode, where there is no token to say it. */
  actor: 'actor',
} as const
