import type { IncomingMessage, ServerResponse } from 'node:http'
import { Demonstrations } from './demonstrations.ts'
import { handleRequest, type RouteServices } from './http/routes.ts'
import { VectorFiles } from './search/vector-files.ts'

export type DemonstrationServices = Omit<RouteServices, 'demonstrations'>

/** The demonstrations of one server, by HTTP. Only for servers that listen on this machine alone and let everyone in. */
export interface DemonstrationDoor {
  /** True if the request was for `/demo/` and is answered, now or later. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  /** Ends every writer. Resolves when they are gone. */
  close(): Promise<void>
  /** Deletes what was indexed of workspaces that are not among these. */
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
