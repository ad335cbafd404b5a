import { getHeapStatistics } from 'node:v8'
import { WIRE_LIMITS, type WireLimits } from '@joinery/protocol'

/** Every limit of the server, with its unit and reason. Each can be set by {@link ServerOptions.limits}. */
export interface ServerLimits extends WireLimits {
  /** Sockets open at once. Each costs about 20 KB; this many fit a 1 GB process with room for documents. */
  readonly connectionsMax: number
  /**
   * Bytes that one connection may send in one tick. Beyond them its socket is not read until the tick is done: others
   * get their turn.
   */
  readonly tickBytesMax: number
  /**
   * Bytes that may wait to be sent to one connection, 64 for each message included. Beyond them the connection gets no more
   * news, and what it has missed once the bytes have gone out. Only an answer that it asked for may be larger.
   */
  readonly sendBufferBytesMax: number
  /** The same of all connections together, each message once: it fits a heap of 1 GB beside documents. */
  readonly unsentBytesMax: number
  /** Time after which a connection ends that has read nothing of what waits for it, ms: a tunnel or a short sleep is no end. */
  readonly unreadMs: number
  /** Bytes of all presence of one room: tens of thousands of cursors. Further states are not taken. */
  readonly presenceBytesMax: number
  /** Bytes of one message about a conflict. Values that are longer are left out. */
  readonly conflictBytesMax: number
  /** Conflicts that one connection may report in a minute, and at once. Further ones are not told. */
  readonly conflictsPerMinuteMax: number
  /**
   * Bytes of updates that wait for updates they build on, in one room. An honest client has at most its first typing
   * there.
   */
  readonly pendingBytesMax: number
  /**
   * Time between two pings of a connection, ms. A connection that was sent nothing else also gets a keep-alive frame.
   * Twice this time is under the 25 s of a stock client. A connection that answers and reads nothing for twice this
   * time counts as dead.
   */
  readonly heartbeatMs: number
  /** Time for which a room without members stays open, ms: a page reload finds its document in memory. */
  readonly roomIdleMs: number
  /** Time for which an unused document stays in memory while people are connected, ms: longer than a pause to think. */
  readonly coolAfterMs: number
  /** Bytes of stored workspaces that are kept for those who join in the same moments, in all rooms together. */
  readonly coldBytesMax: number
  /**
   * Memory that the live documents of all rooms together may take, bytes, by estimate. Beyond it idle rooms close at once, and no
   * further document is built. Half of the heap that this process has: the other half is for everything else.
   */
  readonly documentBytesMax: number
  /**
   * Bytes of updates that are appended and not durable yet, in all rooms together. Beyond them, members that send more
   * are held. A fast disk writes as much in a tenth of a second, and storage that hangs can't fill the memory.
   */
  readonly backlogBytesMax: number
  /** Workspaces that are read from the log at once: when everybody reconnects, they must not all be in memory. */
  readonly loadsMax: number
  /**
   * Time after a claim in which a client that sends edits of others is told to connect later, ms. After a crash the
   * writers of those edits reconnect themselves, and a client waits for at most 15 s between two attempts.
   */
  readonly relayWaitMs: number
  /** Refusals of a stock client after which it may still reconnect at once. */
  readonly refusalsMax: number
  /** Time in which it gets back one of these, ms. Beyond them, each makes its next upgrade wait so much longer. */
  readonly refusalMs: number
  /** Longest such wait, ms: browsers give an upgrade more than ten seconds. */
  readonly refusedDelayMaxMs: number
  /** Time for which a shutdown, and a refused upgrade, wait for the client to close its connection, ms. */
  readonly drainMs: number
  /**
   * Bytes that the server keeps of a socket that is not let in yet, or was refused. No client sends anything before the
   * answer to its upgrade, and a refused one has only a close frame to send.
   */
  readonly unadmittedBytesMax: number
  /** Sockets that wait for the answer to their upgrade, or were refused and are not closed yet: 256 MiB of them at most. */
  readonly unadmittedMax: number
  /** Time in which the answer to an upgrade must be known, ms: longer than keys take to be fetched and a refused client waits. */
  readonly admissionMs: number
  /** Time in which the headers of a request or an upgrade must be complete, ms: one packet on the slowest network. */
  readonly headersMs: number
  /** Time in which a whole request must be here, ms: 1 MiB at 30 kbit/s, and an archive of some GB on this machine. */
  readonly requestMs: number
  /** Requests of one connection that have no answer yet. HTTP clients send the next after the answer; few send some ahead. */
  readonly requestsWaitingMax: number
  /**
   * Requests of one address that wait behind others of their connections. Sockets are read all in one turn, and each request in their
   * packets takes 20 to 30 µs of it.
   */
  readonly requestsAheadMax: number
  /** Time for which requests are begun in one turn of the event loop, ms: sockets are read between two turns. */
  readonly requestTurnMs: number
  /**
   * Parts of less than 1 KiB in which the body of a request may come: each is an object, however short it is. One of less than 64 bytes
   * counts as twenty.
   */
  readonly smallPartsMax: number
  /** Time in which a byte of a request or its answer must move, ms. Answers that take longer send something meanwhile. */
  readonly stallMs: number
  /** Time for which a connection that the server closes waits for the client's close frame, ms. */
  readonly closeMs: number
  /** TCP connections of one address. Off: behind a proxy all have the proxy's address. */
  readonly connectionsPerAddressMax: number
  /** Sockets of one principal, the actor that a token names. Off: jobs may share one token. */
  readonly connectionsPerPrincipalMax: number
  /**
   * Messages and pings of one connection a second, in the long run. People make some tens, jobs that write in a loop without
   * waiting make thousands.
   */
  readonly messagesPerSecond: number
  /**
   * Messages and pings of one connection at once, above the rate: several histories of 260,000 recorded edits each, replayed
   * without a pause.
   */
  readonly messagesBurst: number
  /**
   * Clients that the state vector of a SyncStep1 may name. Connections bring a document 50,000 at most, and each is looked for at
   * every answer.
   */
  readonly stateVectorClientsMax: number
  /** Bytes of one frame of a connection that may only read: the largest state vector, or others' presence sent back. */
  readonly readerFrameBytesMax: number
  /** Bytes of frames that have not arrived completely, of all connections of one principal: two first syncs of the largest kind. */
  readonly unfinishedBytesPerPrincipalMax: number
  /** The same of all connections together. */
  readonly unfinishedBytesMax: number
  /**
   * Part of the event loop's time that the work for one principal may take while others have work, 0 to 1. Two that
   * send without end then leave a fifth to everybody else, and someone who types needs less than a hundredth.
   */
  readonly principalCostShare: number
  /** Time of the event loop that one principal may take at once, ms: the first sync of a large workspace. */
  readonly principalCostBurstMs: number
  /** Part of the event loop's time that the work for one workspace may take while other workspaces have work, 0 to 1. */
  readonly workspaceCostShare: number
  /** Time of the event loop that one workspace may take at once, ms: everybody in it reconnects. */
  readonly workspaceCostBurstMs: number
  /** Time for which others count as having work after their last work, ms: someone who types pauses for less. */
  readonly costContentionMs: number
  /** Leases of one workspace that stand at once: half a kilobyte each. */
  readonly leasesMax: number
  /** Leases of one actor in one workspace: far more jobs than one service runs at once, and room for nine other services. */
  readonly leasesPerActorMax: number
  /** Callers that wait for leases of one workspace: each holds a request open. */
  readonly leaseWaitersMax: number
  /** Callers of one actor that wait for leases of one workspace. */
  readonly leaseWaitersPerActorMax: number
  /** Structs of an update from which on it is tried in a worker thread first: they take 0.05 s, and twice that when the code is new. People type one to three. */
  readonly trialStructs: number
  /** The same in bytes: values of so many bytes take some tenths of a second. A large paste has a tenth of them. */
  readonly trialBytes: number
  /** Time that a tried update may take, ms of CPU: two lists of 4,000 items that were written offline at one place. */
  readonly trialMs: number
  /** Memory of a worker thread, bytes of its heap: a document of some hundred thousand structs, and fits beside a heap of 1 GB. */
  readonly trialHeapBytes: number
  /** Worker threads that try updates at once: one leaves the other processors to everything else. */
  readonly trialsMax: number
  /** Principals whose updates wait to be tried, and the time for which one waits, ms. Beyond them clients connect again later. */
  readonly trialsWaitingMax: number
  readonly trialWaitMs: number
  /** Time for which a tried update is applied before others have their turns, ms: a request waits for dozens of turns. */
  readonly trialTurnMs: number
  /** Time for which a long answer is made before others have their turns, ms: nobody notices it. */
  readonly answerTurnMs: number
  /** Time that a workspace may take to load, ms of CPU: ten times as long as a history of 260,000 edits takes. */
  readonly loadMsMax: number
}

export const SERVER_LIMITS: ServerLimits = {
  ...WIRE_LIMITS,
  connectionsMax: 50_000,
  tickBytesMax: 128 * 1024,
  sendBufferBytesMax: 1024 * 1024,
  presenceBytesMax: 16 * 1024 * 1024,
  conflictBytesMax: 16 * 1024,
  conflictsPerMinuteMax: 60,
  unsentBytesMax: 256 * 1024 * 1024,
  unreadMs: 60_000,
  pendingBytesMax: 256 * 1024,
  heartbeatMs: 12_000,
  roomIdleMs: 30_000,
  coolAfterMs: 60_000,
  coldBytesMax: 64 * 1024 * 1024,
  documentBytesMax: Math.floor(getHeapStatistics().heap_size_limit / 2),
  backlogBytesMax: 32 * 1024 * 1024,
  loadsMax: 16,
  relayWaitMs: 60_000,
  refusalsMax: 20,
  refusalMs: 2_000,
  refusedDelayMaxMs: 8_000,
  drainMs: 5_000,
  unadmittedBytesMax: 64 * 1024,
  unadmittedMax: 4_096,
  admissionMs: 20_000,
  headersMs: 20_000,
  requestMs: 300_000,
  requestsWaitingMax: 16,
  requestsAheadMax: 1_000,
  requestTurnMs: 5,
  smallPartsMax: 20_000,
  stallMs: 120_000,
  closeMs: 30_000,
  connectionsPerAddressMax: Number.POSITIVE_INFINITY,
  connectionsPerPrincipalMax: Number.POSITIVE_INFINITY,
  messagesPerSecond: 20_000,
  messagesBurst: 1_000_000,
  stateVectorClientsMax: 100_000,
  readerFrameBytesMax: 1536 * 1024,
  unfinishedBytesPerPrincipalMax: 128 * 1024 * 1024,
  unfinishedBytesMax: 256 * 1024 * 1024,
  principalCostShare: 0.4,
  principalCostBurstMs: 2_000,
  workspaceCostShare: 0.6,
  workspaceCostBurstMs: 4_000,
  costContentionMs: 1_000,
  leasesMax: 10_000,
  leasesPerActorMax: 1_000,
  leaseWaitersMax: 1_000,
  leaseWaitersPerActorMax: 200,
  trialStructs: 6_000,
  trialBytes: 8 * 1024 * 1024,
  trialMs: 5_000,
  trialHeapBytes: 512 * 1024 * 1024,
  trialsMax: 1,
  trialsWaitingMax: 64,
  trialWaitMs: 30_000,
  trialTurnMs: 5,
  answerTurnMs: 5,
  loadMsMax: 30_000,
}
