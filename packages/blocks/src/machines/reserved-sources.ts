/**
 * Sources that the server speaks for: what an adapter of a resource found out, and what a provider signed. No connection may use
 * them, also in development mode, unless its token names them.
 */
export const RESERVED_SOURCES: readonly string[] = ['resources', 'provider']
