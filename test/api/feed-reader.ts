import { until } from '../support/until.ts'

/** One received event. */
export interface FedEvent {
  readonly lsn: number
  readonly text: string
}

/** A consumer that reconnects after every break with the id of its last event, as an EventSource does. */
export class FeedReader {
  readonly events: FedEvent[] = []
  readonly #url: string
  readonly #stop = new AbortController()
  readonly #over: Promise<void>
  connections = 0

  constructor(url: string) {
    this.#url = url
    this.#over = this.#run()
  }

  get lastLsn(): number {
    return this.events.at(-1)?.lsn ?? 0
  }

  async reach(lsn: number): Promise<void> {
    await until(`the feed reaches ${lsn}, is at ${this.lastLsn}`, () => this.lastLsn >= lsn)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#over
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#read()
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof TypeError)) throw error
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  }

  async #read(): Promise<void> {
    const { signal } = this.#stop
    const response = await fetch(this.#url, { signal, headers: { 'last-event-id': String(this.lastLsn) } })
    if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`)
    this.connections++
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const event = /^id: (\d+)\nevent: change\ndata: (.*)$/.exec(text.slice(0, end))
        if (event !== null) this.events.push({ lsn: Number(event[1]), text: event[2] ?? '' })
        text = text.slice(end + 2)
      }
    }
  }
}
