import { latePanel } from '../panels/late-panel.tsx'
import { useSetAside } from './use-set-aside.ts'

export { useSetAside }

/** Panel of the edits that were set aside: what they say, and ways to put them back, save them or delete them. */
export const SetAsidePanel = latePanel('Set aside', async () => (await import('./set-aside-panel.tsx')).SetAsidePanel)
