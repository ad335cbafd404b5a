import type { Logger } from 'pino'
import { ControlDoor } from './control-door.mts'
import { makeControl, removeControlFile, writeControlFile } from './control-file.mts'
import type { Operator } from './operator.mts'

/** A door for operators, and the file that tells them of it. */
export interface OpenControl {
  readonly door: ControlDoor
  /** Ends what is under way and takes the file away. */
  close(): Promise<void>
}

/** Opens the door at `url`, where the server listens. A file that can't be written costs the operator's commands, not the service. */
export async function openControl(
  url: string,
  { directory, operator, logger }: { directory: string; operator: Operator; logger: Logger },
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
  const door = new ControlDoor(control.secret, operator, logger)
  return {
    door,
    close: async () => {
      await removeControlFile(directory)
      await door.close()
    },
  }
}
