/** Bounds of what a worker sends, each with its unit. The server has the same ones. */
export const WORKER_LIMITS = {
  /** A list of steps is read by people. */
  stepsMax: 100,
  itemsMax: 10_000,
  /** A journal is no store of files. */
  resultBytesMax: 64 * 1024,
  /** Items of one step together, bytes of JSON. */
  itemsBytesMax: 1024 * 1024,
  itemKeyLengthMax: 256,
  nameLengthMax: 64,
  /** Levels of nested arrays and objects. */
  depthMax: 100,
  attemptsMax: 100,
  /** Longest pause between two attempts, ms. */
  delayMsMax: 15 * 60_000,
  concurrencyMax: 64,
  /** Longest time that any option may name, ms: a year. */
  timeMsMax: 365 * 24 * 3_600_000,
  versionMax: 1_000_000,
  acceptsMax: 100,
  errorLengthMax: 2_000,
} as const
