/** Limits of the HTTP API, each with its unit and reason. `ApiOptions.limits` can change all of them. */
export interface ApiLimits {
  /** Bytes of a request's body: the same as one update frame of a socket. */
  readonly bodyBytesMax: number
  /** Bytes of JSON bodies of all requests at once, each from its headers to its answer. Beyond them a request is answered `busy`. */
  readonly bodiesInFlightBytesMax: number
  /** The same of one actor: others are not kept out. */
  readonly bodiesInFlightPerActorBytesMax: number
  /** Members of objects, objects and arrays in one JSON body, at any depth. */
  readonly bodyValuesMax: number
  /** Fields and keys of data that one request may write: each is an item of the document. */
  readonly keysMax: number
  /** Operations on runs in one transaction: each is checked after those before it. */
  readonly runOperationsMax: number
  /** Bytes of a Yjs update that a request brings: as many as a socket's first sync. */
  readonly updateBytesMax: number
  /** Bytes of Yjs updates on their way in and out at once. Beyond them a request is answered `busy`: each is held in memory. */
  readonly updatesInFlightBytesMax: number
  /** The same of one actor. */
  readonly updatesInFlightPerActorBytesMax: number
  /** How long a caller that is sent a Yjs update may read nothing before the server ends the connection, ms. */
  readonly updateStallMs: number
  /** Characters of a block's content in one request; a longer text goes through a socket. */
  readonly contentCharsMax: number
  /** Operations of one transaction. */
  readonly operationsMax: number
  /** Requests per second that one actor may make in the long run: far more than a job makes, far fewer than starve others. */
  readonly requestsPerSecond: number
  /** Requests that one actor may make in one burst, above the rate. */
  readonly requestsBurst: number
  /** Time for which a request of an actor over budget waits in all, ms, before the answer is `over_budget`. */
  readonly costWaitMs: number
  /** Requests of one actor that wait so; further ones are answered at once. */
  readonly costWaitingPerActorMax: number
  /** How long a request waits for its write to be durable before the answer is `not_durable_yet`, ms. */
  readonly durableWaitMs: number
  /** Records that one page of history reads at most, whether or not they match. */
  readonly pageRecordsMax: number
  /** Bytes of the records on one page of history: the record that exceeds them is the last. A page is in memory, and in its answer. */
  readonly pageBytesMax: number
  /** Bytes of answers of more than 64 KiB that have not gone out. Beyond them a request is answered `busy`: the caller may not read. */
  readonly answersInFlightBytesMax: number
  /** The same of one actor. */
  readonly answersInFlightPerActorBytesMax: number
  /** Replays of logs that run at once, for requests (the past, a diff, a restore). They take turns, part by part. */
  readonly replaysMax: number
  /** Replays that have begun and not ended: each holds a document. */
  readonly replaysOpenMax: number
  /** The same of one actor: a few actors with many requests leave places to others. */
  readonly replaysOpenPerActorMax: number
  /** Replays that may wait for a turn; further ones are answered `busy`. */
  readonly replaysWaitingMax: number
  /** The same of one actor. */
  readonly replaysWaitingPerActorMax: number
  /** How long a replay waits for its first turn before it is answered `busy`, ms: shorter than proxies wait. */
  readonly replayWaitMs: number
  /** Consumers that catch up from the log at once, apart from the replays of requests: each holds a document while it reads. */
  readonly catchUpsMax: number
  /** The same of one actor. */
  readonly catchUpsPerActorMax: number
  /** How long a consumer waits for its turn to catch up, and keeps it while others wait, ms. It is told to begin again then. */
  readonly catchUpTurnMs: number
  /** Events kept per followed workspace, for consumers that reconnect. */
  readonly feedEventsMax: number
  /** Bytes of those events. */
  readonly feedBytesMax: number
  /** How long a consumer that is behind may read nothing before the server ends its stream, ms: it holds a document or a place. */
  readonly feedStallMs: number
  /** How long a feed is silent before it sends a comment, ms: proxies end silent connections, usually after 60 s. */
  readonly feedKeepAliveMs: number
  /** Consumers of all change feeds together. */
  readonly feedConsumersMax: number
  /** Consumers of all change feeds of one actor: services that follow hundreds of workspaces share a token. */
  readonly feedConsumersPerActorMax: number
  /** Answers kept for repeated requests, over all workspaces. Older answers are made again from the log. */
  readonly answersMax: number
  /** How long a change feed without consumers stays open, for consumers that reconnect, ms. */
  readonly feedIdleMs: number
}

export const API_LIMITS: ApiLimits = {
  bodyBytesMax: 1024 * 1024,
  bodiesInFlightBytesMax: 64 * 1024 * 1024,
  bodiesInFlightPerActorBytesMax: 16 * 1024 * 1024,
  bodyValuesMax: 30_000,
  keysMax: 5_000,
  runOperationsMax: 300,
  updateBytesMax: 64 * 1024 * 1024,
  updatesInFlightBytesMax: 256 * 1024 * 1024,
  updatesInFlightPerActorBytesMax: 128 * 1024 * 1024,
  updateStallMs: 30_000,
  contentCharsMax: 500_000,
  operationsMax: 1_000,
  requestsPerSecond: 1_000,
  requestsBurst: 2_000,
  costWaitMs: 10_000,
  costWaitingPerActorMax: 100,
  durableWaitMs: 10_000,
  pageRecordsMax: 10_000,
  pageBytesMax: 1024 * 1024,
  answersInFlightBytesMax: 128 * 1024 * 1024,
  answersInFlightPerActorBytesMax: 64 * 1024 * 1024,
  replaysMax: 2,
  replaysOpenMax: 6,
  replaysOpenPerActorMax: 2,
  replaysWaitingMax: 100,
  replaysWaitingPerActorMax: 25,
  replayWaitMs: 10_000,
  catchUpsMax: 4,
  catchUpsPerActorMax: 2,
  catchUpTurnMs: 20_000,
  feedEventsMax: 10_000,
  feedBytesMax: 8 * 1024 * 1024,
  feedStallMs: 10_000,
  feedKeepAliveMs: 15_000,
  feedConsumersMax: 5_000,
  feedConsumersPerActorMax: 1_000,
  answersMax: 10_000,
  feedIdleMs: 60_000,
}
