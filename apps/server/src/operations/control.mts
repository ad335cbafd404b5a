import type { EventStore } from '@joinery/log'
import type { Logger } from 'pino'
import { ControlDoor } from './control-door.mts'
import { makeControl, removeControlFile, writeControlFile } from './control-file.mts'
import { storeOperator } from './local-operator.mts'

/** A door for operators, and the file that tells them of it. */
export interface OpenControl {
  readonly door: ControlDoor
  /** Ends what is under way and takes the file away. */
  close(): Promise<void>
}

/** Opens the door at `url`, where the server listens. A file that can't be written costs the operator's commands, not the service. */
export async function openControl(
  url: string,
  { directory, store, logger }: { directory: string; store: EventStore; logger: Logger },
): Promise<OpenControl> {
  const control = makeControl(url)
  try {
    await writeControlFile(directory, control)
  } catch (err) {
    logger.warn(
      { err },
      'the control file could not be written: commands on the data directory will not reach this server',
    )
  }
  const door = new ControlDoor(control.secret, storeOperator(directory, store), logger)
  return {
    door,
    close: async () => {
      door.close()
      await removeControlFile(directory)
    },
  }
}
