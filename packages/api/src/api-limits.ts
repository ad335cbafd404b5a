/** Every bound of the HTTP face, with its unit and reason. All can be set by `ApiOptions.limits`. */
export interface ApiLimits {
  /** Bytes of a request's body: as much as one update frame of a socket. */
  readonly bodyBytesMax: number
  /** Characters of a block's content in one request; a longer text is typed through a socket. */
  readonly contentCharsMax: number
  /** Operations of one transaction. */
  readonly operationsMax: number
  /** Requests that one actor may make per second in the long run: far above a job, far below what starves the others. */
  readonly requestsPerSecond: number
  /** Requests that one actor may make at once before the rate counts. */
  readonly requestsBurst: number
  /** How long a write waits to be durable before it answers `not_durable_yet`, ms: storage that fails is not waited out. */
  readonly durableWaitMs: number
  /** Records that one page of history looks at before it answers with what it has. */
  readonly pageRecordsMax: number
  /** Replays of the log (the past, a diff, a restore, a feed that catches up) at once; each holds a document. */
  readonly replaysMax: number
  /** Replays that may wait for their turn; more are answered `busy`. */
  readonly replaysWaitingMax: number
  /** Events kept per followed workspace for consumers that come back. */
  readonly feedEventsMax: number
  /** Bytes of those events. */
  readonly feedBytesMax: number
  /** How long a consumer that is behind may take nothing before it is cut off, ms: it holds a document or a place meanwhile. */
  readonly feedStallMs: number
  /** How long a feed says nothing before it sends a comment, ms: proxies cut silent connections, the usual limit is 60 s. */
  readonly feedKeepAliveMs: number
  /** Consumers of change feeds at once. */
  readonly feedConsumersMax: number
  /** Answers kept ready for repeats, over all workspaces; an older one is made again from the log. */
  readonly answersMax: number
  /** How long a change feed without consumers is kept for those who come back, ms. */
  readonly feedIdleMs: number
}

export const API_LIMITS: ApiLimits = {
  bodyBytesMax: 1024 * 1024,
  contentCharsMax: 500_000,
  operationsMax: 1_000,
  requestsPerSecond: 1_000,
  requestsBurst: 2_000,
  durableWaitMs: 10_000,
  pageRecordsMax: 10_000,
  replaysMax: 2,
  replaysWaitingMax: 100,
  feedEventsMax: 10_000,
  feedBytesMax: 8 * 1024 * 1024,
  feedStallMs: 10_000,
  feedKeepAliveMs: 15_000,
  feedConsumersMax: 5_000,
  answersMax: 10_000,
  feedIdleMs: 60_000,
}
