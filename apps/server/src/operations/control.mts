import type { IncomingMessage } from 'node:http'
import type { BytePayer } from '@joinery/resources'
import type { Costs } from '@joinery/server'
import type { Logger } from 'pino'
import { ControlDoor } from './control-door.mts'
import { makeControl, removeControlFile, writeControlFile } from './control-file.mts'
import type { Operator } from './operator.mts'

/** A door for operators' commands, with its control file written. */
export interface OpenControl {
  readonly door: ControlDoor
  /** Removes the file and aborts the requests under way. */
  close(): Promise<void>
}

/**
 * Makes a door and its control file. `url` is where the server listens. If the file can't be written, the server runs all
 * the same, and only operators' commands can't reach it.
 */
export async function openControl(
  url: string,
  options: {
    readonly directory: string
    readonly operator: Operator
    readonly costs: Costs
    readonly logger: Logger
    readonly isOfNode?: (request: IncomingMessage) => boolean
  },
): Promise<OpenControl> {
  const { directory, operator, costs, logger, isOfNode } = options
  const control = makeControl(url)
  try {
    await writeControlFile(directory, control)
  } catch (err) {
    logger.warn(
      { err },
      'the control file could not be written: commands on the data directory will not reach this server',
    )
  }
  const door = new ControlDoor(control.secret, operator, operatorPayer(costs), logger, isOfNode)
  return {
    door,
    close: async () => {
      await removeControlFile(directory)
      await door.close()
    },
  }
}

/** Has the operators of the server pay for the bytes of archives, together: those are of many workspaces. */
function operatorPayer(costs: Costs): BytePayer {
  const payer = { principal: '!operators', workspace: undefined }
  return {
    // An archive passes in many short turns.
    book: (_, ms) => void costs.book(payer, performance.now() - ms, false),
    restOf: () => costs.restOf(payer),
  }
}
