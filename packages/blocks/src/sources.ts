/** The classes of writer that statuses of indexes and fields know, by priority 100, 80, 60 and 40. */
export type Source = 'user_action' | 'workflow_execution' | 'instantiation' | 'polling_sync'

/** Priority by source. */
export const SOURCE_PRIORITY: Readonly<Record<Source, number>> = {
  user_action: 100,
  workflow_execution: 80,
  instantiation: 60,
  polling_sync: 40,
}
