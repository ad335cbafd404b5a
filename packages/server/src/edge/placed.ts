import type { IncomingMessage } from 'node:http'
import type { WorkspaceId } from '@joinery/protocol'
import type { AddressCount } from './address-count.ts'
import { noteClient, type Placement, type Route } from './placement.ts'

/** The edge's side of a placement: counts those who are passed on by their own address, and finds their ways. */
export class Placed {
  readonly #placement: Placement | undefined
  readonly #addresses: AddressCount

  constructor(placement: Placement | undefined, addresses: AddressCount) {
    this.#placement = placement
    this.#addresses = addresses
  }

  /** False where this process serves everything. */
  get isUsed(): boolean {
    return this.#placement !== undefined
  }

  /** Looks whether another process has passed a request on. Throws `forbidden` if it only says so. */
  receive(request: IncomingMessage): void {
    const client = this.#placement?.clientOf(request)
    if (client === undefined) return
    noteClient(request, client)
    this.#addresses.move(request.socket, client)
  }

  workspaceOf(request: IncomingMessage): WorkspaceId | undefined {
    return this.#placement?.workspaceOf(request)
  }

  /** The way to the process that serves the workspace; undefined if it is this one. */
  async routeTo(workspace: WorkspaceId, request: IncomingMessage): Promise<Route | undefined> {
    return await this.#placement?.routeTo(workspace, request)
  }

  /** The way to the process that has taken a workspace of nobody just now; undefined if this one has it. */
  async settle(workspace: WorkspaceId, request: IncomingMessage): Promise<Route | undefined> {
    return await this.#placement?.settle(workspace, request)
  }
}
