const SEGMENT = '[A-Za-z0-9](?:(?!\\.\\.)[A-Za-z0-9._~:-]){0,127}'

/** The wire's rule for names as one pattern, which an OpenAPI document can carry; a test holds the two together. */
export const WORKSPACE_NAME = new RegExp(`^(?![^]*\\.\\.)${SEGMENT}(?:/${SEGMENT}){0,3}$`)
