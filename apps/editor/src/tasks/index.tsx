import { latePanel } from '../panels/late-panel.tsx'

/** Panel of the tasks: which runs, its step, the cause for which it waits, and the blocks that were kept. */
export const TasksPanel = latePanel('Tasks', async () => (await import('./tasks-panel.tsx')).TasksPanel)
