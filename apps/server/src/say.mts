/** Control characters, but for tabs and the ends of lines: a terminal takes some of them for orders. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to be found
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/**
 * The text with its control characters, and those that turn the direction of writing, written out as in JSON: `\u001b`. JSON stays
 * JSON, and means the same.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Prints a line, or several, on stdout. The words of people and services in them can give the terminal no orders. */
export function say(text: string): void {
  console.log(printable(text))
}
