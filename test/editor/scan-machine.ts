/** The application's own machine that the server of the run has. */
export const SCAN = {
  name: 'scan@1',
  phases: [['asked'], ['clean', 'infected']],
  ranks: ['asked', 'clean', 'infected'],
  sources: { user_action: 2, polling_sync: 1 },
  failures: ['infected'],
} as const
