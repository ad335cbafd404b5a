import { Journal, type JournalOptions, type WorkspaceLog } from '@joinery/log'
import { type HookEntry, HookFold, type InboxEvent, inboxEvents } from './hook-fold.ts'
import { inboxStates } from './hook-states.ts'

/** Name of the log that keeps the events of services. */
export const HOOKS_LOG = '!hooks'
export const HOOK_ENTRY = { actor: 'joinery', source: 'provider', connection: 'hooks:' } as const

export interface HookDeskOptions {
  /** The log of the name {@link HOOKS_LOG}. */
  readonly log: WorkspaceLog
  readonly atomically: JournalOptions<InboxEvent, HookFold>['atomically']
  readonly onUntidy: (error: unknown) => void
}

/** The events that services have sent, and what a person decides about them. It handles none: see `Inbox`. */
export class HookDesk {
  readonly journal: Journal<InboxEvent, HookFold>

  private constructor(journal: Journal<InboxEvent, HookFold>) {
    this.journal = journal
  }

  /** Rejects with the log's error. */
  static async open({ log, atomically, onUntidy }: HookDeskOptions): Promise<HookDesk> {
    const journal = await Journal.open<InboxEvent, HookFold>({
      ...{ log, atomically, onUntidy },
      events: inboxEvents,
      states: inboxStates,
      empty: () => new HookFold(),
      touchedBy: (event) => ('endpoint' in event ? [`hook/${event.endpoint}/${event.id}`] : []),
      keepHistory: { days: 30 },
    })
    return new HookDesk(journal)
  }

  /** The events that are known, the newest last. */
  list(state?: HookEntry['state']): HookEntry[] {
    const all = [...this.journal.fold.entries.values()]
    return state === undefined ? all : all.filter((entry) => entry.state === state)
  }

  /** Forgets the events of a workspace that is purged, but for their ids. Resolves when nothing of it is on the disk. */
  async forget(workspace: string): Promise<void> {
    if (!this.journal.fold.knows(workspace)) return
    await this.journal.erase(
      { event: { type: 'forgotten', workspace }, ...HOOK_ENTRY },
      { event: { type: 'erased' }, ...HOOK_ENTRY },
    )
  }

  find(endpoint: string, id: string): HookEntry | undefined {
    return this.journal.fold.get(endpoint, id)
  }

  /** Has a parked event handled again. False if there is none. */
  async replay(endpoint: string, id: string): Promise<boolean> {
    if (this.find(endpoint, id)?.state !== 'parked') return false
    await this.keep({ type: 'replayed', endpoint, id })
    return true
  }

  /** Gives a parked event up. False if there is none. */
  async drop(endpoint: string, id: string): Promise<boolean> {
    if (this.find(endpoint, id)?.state !== 'parked') return false
    await this.keep({ type: 'settled', endpoint, id, state: 'dropped' })
    return true
  }

  /** Keeps what must not be lost: an event that has come, or what somebody has decided. Resolves when it is on the disk. */
  keep(event: InboxEvent): Promise<void> {
    return this.journal.append([{ event, ...HOOK_ENTRY }], { sync: true }).durable
  }

  /** Notes how far an event is. It asks for no fsync: should power loss take the note, the event is handled on from before it. */
  note(event: InboxEvent): Promise<void> {
    return this.journal.append([{ event, ...HOOK_ENTRY }]).durable
  }

  async close(): Promise<void> {
    await this.journal.close()
  }
}
