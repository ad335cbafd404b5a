import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { type Bucket, lookAt } from '../files/s3-scene.ts'
import type { Trail } from '../tasks/saga-scene.ts'
import { REAL_OUTSIDE } from '../tasks/template-effects.ts'
import type { Ledger } from './ledger.ts'
import { payerOf, type RealOutside, scopeOfFile } from './real-effects.ts'

/** The most files that a template of the tests has. */
const FILES_MAX = 8
/** The key of a file that is whole: its scope and its digest. */
const FILE = /^[\da-f]{32}\/[\da-f]{64}$/

/** The traces of templates in a bucket and at a ledger, as others than their worker see them. */
export class RealTrail implements Trail, Disposable {
  readonly env: Readonly<Record<string, string>>
  readonly #bucket: Bucket
  readonly #ledger: Ledger
  readonly #client

  /** @param endpoint where workers find the bucket, which may be a proxy */
  constructor(bucket: Bucket, ledger: Ledger, endpoint = bucket.endpoint) {
    this.#bucket = bucket
    this.#ledger = ledger
    this.#client = lookAt(bucket)
    const { bucket: name, accessKeyId, secretAccessKey } = bucket
    const outside: RealOutside = {
      bucket: { endpoint, bucket: name, accessKeyId, secretAccessKey },
      ledger: ledger.url,
    }
    this.env = { [REAL_OUTSIDE]: JSON.stringify(outside) }
  }

  /** Number of files of a template. Throws if the bucket has anything of it that is no file, such as an open upload. */
  async files(prefix: string): Promise<number> {
    const names = Array.from({ length: FILES_MAX }, (_, n) => `file-${n}.txt`)
    const counts = await Promise.all(names.map((name) => this.#filesIn(scopeOfFile(prefix, name))))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async #filesIn(scope: string): Promise<number> {
    const place = { Bucket: this.#bucket.bucket, Prefix: `${scope}/` }
    const { Contents = [] } = await this.#client.send(new ListObjectsV2Command(place))
    const { Uploads = [] } = await this.#client.send(new ListMultipartUploadsCommand(place))
    const left = [...Contents, ...Uploads].map(({ Key = '' }) => Key).filter((key) => !FILE.test(key))
    if (left.length > 0) throw new Error(`the bucket has more than files: ${left}`)
    return Contents.length
  }

  charges(prefix?: string) {
    const payer = prefix === undefined ? undefined : payerOf(prefix)
    const charged = [...this.#ledger.intents.values()].filter(
      ({ amount_received, metadata }) =>
        amount_received > 0 && (payer === undefined || metadata.joinery_block === payer),
    )
    return charged.map(({ id, amount }) => ({ amount, refunds: this.#refundsOf(id) }))
  }

  [Symbol.dispose](): void {
    this.#client.destroy()
  }

  #refundsOf(intent: string): number {
    const refunds = this.#ledger.events.filter(
      ({ type, data }) =>
        type === 'charge.refunded' && 'payment_intent' in data.object && data.object.payment_intent === intent,
    )
    return refunds.length
  }
}
