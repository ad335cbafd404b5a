/** One server-sent event as the client parses it. */
export interface ReadEvent {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read events of several shapes
  readonly data: any
}

/** Reads a stream of server-sent events until the stream ends or the signal aborts it. Skips comments. */
export async function* readEvents(url: string, init: RequestInit = {}): AsyncGenerator<ReadEvent> {
  const response = await fetch(url, init)
  if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`)
  let text = ''
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = parseEvent(text.slice(0, end))
      text = text.slice(end + 2)
      if (event !== undefined) yield event
    }
  }
}

function parseEvent(text: string): ReadEvent | undefined {
  const lines = text.split('\n').filter((line) => !line.startsWith(':'))
  const value = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  const data = value('data')
  if (data === undefined) return undefined
  return { id: value('id'), event: value('event') ?? 'message', data: JSON.parse(data) }
}
