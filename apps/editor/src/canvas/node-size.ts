import type { Size } from '@joinery/react-flow'

/** Size of a node that nobody has resized, pixels: a text of about ten lines with its statuses. */
export const NODE_SIZE: Size = { width: 320, height: 340 }
/** Smallest size that a person can give a node, pixels: its title, two lines and its statuses. */
export const NODE_SIZE_MIN: Size = { width: 240, height: 200 }
