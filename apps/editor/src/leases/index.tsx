import { latePanel } from '../panels/late-panel.tsx'

/** Panel of the leases: which job holds what, and who waits. */
export const LeasesPanel = latePanel('Leases', async () => (await import('./leases-panel.tsx')).LeasesPanel)
