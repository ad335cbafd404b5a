import type { BoardSearch, EmbeddingService } from '@joinery/resources'
import { Counter, type Registry } from 'prom-client'

/** The parts of a server's search that metrics read. */
export interface CountedSearch {
  readonly search: Pick<BoardSearch, 'counts'>
  readonly service: Pick<EmbeddingService, 'counts'> | undefined
}

/** Adds the numbers of searches and of calls for embeddings to `registry`. */
export function watchSearch(registry: Registry, { search, service }: CountedSearch): void {
  const registers = [registry]
  const searches = new Counter({
    name: 'joinery_searches_total',
    help: 'Answered searches: by meaning, or by letters',
    labelNames: ['by'],
    registers,
    collect() {
      searches.reset()
      for (const [by, count] of search.counts) searches.inc({ by }, count)
    },
  })
  if (service === undefined) return
  const { counts } = service
  const calls = new Counter({
    name: 'joinery_embedding_calls_total',
    help: 'Calls of the embedding service by this process, by outcome: ok, or the code of the error',
    labelNames: ['outcome'],
    registers,
    collect() {
      calls.reset()
      for (const [outcome, count] of counts.failed) calls.inc({ outcome }, count)
      calls.inc({ outcome: 'ok' }, counts.answered)
    },
  })
  const texts = new Counter({
    name: 'joinery_embedded_texts_total',
    help: 'Texts that the embedding service has made vectors of for this process',
    registers,
    collect() {
      texts.reset()
      texts.inc(counts.texts)
    },
  })
}
