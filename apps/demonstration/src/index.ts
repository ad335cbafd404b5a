import type { IncomingMessage, ServerResponse } from 'node:http'
import { Demonstrations } from './demonstrations.ts'
import { handleRequest, type RouteServices } from './http/routes.ts'

export type { ConfiguredEmbedding } from './search/open-embedder.ts'

import { VectorFiles } from './search/vector-files.ts'

export type DemonstrationServices = Omit<RouteServices, 'demonstrations'>

/**
 * HTTP handler for the demonstrations of one server. Only for servers that listen on this machine alone and have no
 * keys.
 */
export interface DemonstrationDoor {
  /** Answers a request to a path below `/demo/`; returns false for any other request. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  /** Ends every writer. Resolves when their processes are gone. */
  close(): Promise<void>
  /** Deletes the vectors of all workspaces but these. */
  forgetOthers(workspaces: AsyncIterable<string>): Promise<void>
}

export function createDemonstrationDoor(services: DemonstrationServices): DemonstrationDoor {
  const demonstrations = new Demonstrations()
  return {
    handle: (request, response) => handleRequest(request, response, { ...services, demonstrations }),
    close: () => demonstrations.close(),
    forgetOthers: (workspaces) => new VectorFiles(services.vectorsDirectory).keepOnly(workspaces),
  }
}
