import { WAIT_MS } from '../support/patience.ts'

/** Resolves once the URL answers with 200. Rejects when it does not for as long as a test waits. */
export async function healthy(url: string): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS; ; ) {
    const isHealthy = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isHealthy) return
    if (performance.now() > deadline) throw new Error(`${url} did not answer within ${WAIT_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
