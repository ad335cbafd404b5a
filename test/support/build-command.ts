import { ensureCommandBuilt } from '../../apps/server/src/build/build-command.mts'

/** The many servers and commands that tests start need a third of the CPU with a build. */
export default async function buildOnce(): Promise<void> {
  await ensureCommandBuilt()
}
