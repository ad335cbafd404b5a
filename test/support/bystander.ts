import { expect } from 'vitest'
import { RawClient } from './raw-client.ts'
import { until } from './until.ts'

export interface BystanderOptions {
  readonly url: string
  readonly workspace?: string
  readonly token?: string
}

/** Two people at work in a room of their own. Nothing that is done to the server elsewhere may disturb them. */
export class Bystander implements AsyncDisposable {
  readonly #ada: RawClient
  readonly #ben: RawClient
  #checks = 0

  private constructor(ada: RawClient, ben: RawClient) {
    this.#ada = ada
    this.#ben = ben
  }

  static async open({ url, workspace = 'bystander', token }: BystanderOptions): Promise<Bystander> {
    const options = { url, path: workspace, wantsJoinery: true, ...(token !== undefined && { query: { token } }) }
    return new Bystander(await RawClient.open(options), await RawClient.open(options))
  }

  /** Fails unless an edit of one reaches the other, is acknowledged, and nothing but their own edits is there. */
  async check(): Promise<void> {
    const count = ++this.#checks
    const entries = (client: RawClient) => client.doc.getArray<number>('entries')
    entries(this.#ada).push([count])
    await until("the bystander's edit arrives", () => entries(this.#ben).length >= count)
    await until("the bystander's edit is durable", () => this.#ada.framesDurable === this.#ada.framesSent)
    expect(entries(this.#ben).toArray()).toEqual(Array.from({ length: count }, (_, index) => index + 1))
    expect([...this.#ada.rejections, ...this.#ben.rejections]).toEqual([])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#ada.close(), this.#ben.close()])
  }
}
