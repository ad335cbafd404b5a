/** Parameters in the query string of a socket's URL. The SDK writes them, and the server parses them. */
export const QUERY = {
  /** `1` asks the server to send Joinery's own message. */
  joinery: 'joinery',
  /** The JWT. */
  token: 'token',
  /** The generation of the client's local copy; absent when there is no copy. */
  generation: 'generation',
  /** The class of writer that this connection writes as: one that its token allows. */
  source: 'source',
  /** The Yjs client id of the client's document, in decimal digits. */
  client: 'client',
  /** The actor's name. The server uses it in development mode only, where no token names the actor. */
  actor: 'actor',
} as const
