import { type JetStreamManager, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'

/** Time after which a question that nobody answers is asked again, ms. */
const ASK_AGAIN_MS = 500
/** Questions before nobody counts as answering: 2 s, as for other calls. */
const QUESTIONS = 4
/** Name of the NATS client's error for a missing answer; the class is not exported. */
const TIMEOUT = 'TimeoutError'

/**
 * Asks the leaders of streams for the last messages of subjects. NATS drops a question whose leader has died: it is asked again soon,
 * so that a new leader is heard as soon as there is one.
 */
export class LastMessages {
  readonly #manager: JetStreamManager

  private constructor(manager: JetStreamManager) {
    this.#manager = manager
  }

  static async open(link: NatsConnection): Promise<LastMessages> {
    return new LastMessages(await jetstreamManager(link, { timeout: ASK_AGAIN_MS, checkAPI: false }))
  }

  /** Rejects with the client's errors. */
  async of(stream: string, subject: string): Promise<StoredMsg | undefined> {
    for (let asked = 1; ; asked++) {
      try {
        return (await this.#manager.streams.getMessage(stream, { last_by_subj: subject })) ?? undefined
      } catch (error) {
        const isLate = error instanceof Error && error.name === TIMEOUT
        if (!isLate || asked === QUESTIONS) throw error
      }
    }
  }
}
