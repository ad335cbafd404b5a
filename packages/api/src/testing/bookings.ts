import type { Payer, Server, Workspaces } from '@joinery/server'

/** Everything that is booked, and the reads and edits of workspaces that name no payer. */
export class Bookings {
  readonly payers: Payer[] = []
  readonly unpaid: string[] = []

  constructor({ costs, workspaces }: Server) {
    const { book } = costs
    costs.book = (payer, sinceMs, isOneTurn) => {
      this.payers.push(payer)
      return book.call(costs, payer, sinceMs, isOneTurn)
    }
    const { read, write, bring } = workspaces
    const note = (what: string, payer: string | undefined): void => {
      if (payer === undefined) this.unpaid.push(what)
    }
    workspaces.read = ((workspace, look, payer) => {
      note('read', payer)
      return read.call(workspaces, workspace, look, payer)
    }) as Workspaces['read']
    workspaces.write = ((workspace: never, edit: { payer?: string }) => {
      note('write', edit.payer)
      return write.call(workspaces, workspace, edit as never)
    }) as Workspaces['write']
    workspaces.bring = (workspace, brought) => {
      note('bring', brought.payer)
      return bring.call(workspaces, workspace, brought)
    }
  }
}
