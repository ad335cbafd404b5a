import { latePanel } from '../panels/late-panel.tsx'

/** Panel of the history: past states, who wrote them, and a way to restore them. */
export const HistoryPanel = latePanel('History', async () => (await import('./history-panel.tsx')).HistoryPanel)
