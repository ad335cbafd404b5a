import type { WireName } from '../load/wire.ts'

/** A fleet as the load process sees it. */
export interface FleetTarget {
  readonly wire: WireName
  /** `ws://host:port` of each node. */
  readonly urls: readonly string[]
  /** Processes of the nodes, in the same order. */
  readonly nodePids: readonly number[]
  readonly enginePids: readonly number[]
}

/**
 * In each workspace one person types, and another one looks on. The first comes to one node, which then owns the workspace in a
 * cluster, and the second to the next node.
 */
export interface TypeWork {
  readonly kind: 'type'
  readonly workspaces: number
  readonly editsPerWriter: number
  /** Either as fast as edits are saved, with at most `window` of a writer's edits that are not, or at a fixed rate. */
  readonly pace: { readonly window: number } | { readonly editsPerSecond: number }
  /** Edits of each writer of the same load before the measured one, in other workspaces. */
  readonly warmUpEdits?: number
}

/** One person in each of many workspaces, who does nothing. */
export interface IdleWork {
  readonly kind: 'idle'
  readonly workspaces: number
  /** How long nothing happens, ms. */
  readonly idleMs: number
}

export type ClusterWork = TypeWork | IdleWork

/** One work at one fleet, as handed to the load process. */
export interface ClusterJob {
  readonly target: FleetTarget
  readonly work: ClusterWork
}

/** Figures of a row, by name. */
export type ClusterFigures = Readonly<Record<string, number>>
