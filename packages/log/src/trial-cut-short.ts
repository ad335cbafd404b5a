/** A trial ended for a reason that is not the workspace's: its thread was killed, say. Nothing is known about the workspace. */
export class TrialCutShort extends Error {
  override name = 'TrialCutShort'
}
