import type { PeerClient } from '../../crash/peer-client.ts'

/** Servers of one maker on this machine, which can be killed. Nodes are numbered from 0. */
export interface Ground extends AsyncDisposable {
  /** Somebody new at a node, in a workspace. */
  open(node: number, workspace: string): PeerClient
  killNode(node: number): Promise<void>
  /** SIGSTOP, and SIGCONT. */
  stallNode(node: number): void
  wakeNode(node: number): void
  /**
   * Kills servers of the engine, and removes all that they had stored: one of them, or all. Redis is one server, so both are the same
   * for it; NATS has three.
   */
  emptyEngine(servers: 'one' | 'all'): Promise<void>
  /** Starts what does not run. */
  heal(): Promise<void>
  /** The last words of a process that has ended although nobody has asked it to; undefined if all run that should. */
  crashed(): string | undefined
}

export interface Contestant {
  readonly title: string
  /** Number of nodes: 3. */
  start(home: string): Promise<Ground>
}
