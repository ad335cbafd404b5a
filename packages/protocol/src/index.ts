export { type AwarenessState, decodeAwarenessStates, encodeAwarenessStates, PRESENCE_ACTOR_KEY } from './awareness.ts'
export { CLOSE, type CloseCode, isFinalCloseCode } from './close-code.ts'
export { QUERY } from './connection-query.ts'
export {
  decodeFrame,
  encodeAwareness,
  encodeJoinery,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  encodeUpdateHead,
  type Frame,
  KEEP_ALIVE_FRAME,
  MESSAGE,
} from './frame.ts'
export { FrameError } from './frame-error.ts'
export { isIdempotencyKey, KEY_BYTES_MAX, RESERVED_KEY } from './idempotency-key.ts'
export {
  type Conflict,
  type Durable,
  type Hello,
  type JoineryMessage,
  type Keyed,
  type KeyedResult,
  LEASE_TOKEN_LENGTH_MAX,
  type Provenance,
  type ProvenanceStamp,
  type Rejected,
  type Watch,
  type Writable,
} from './joinery-message.ts'
export { SILENCE_MAX_MS, WIRE_LIMITS, type WireLimits } from './limits.ts'
export { REJECTION_CODES, type RejectionCode } from './rejection-code.ts'
export type { Kept, StepState, StepView, TaskState, TaskView, WaitCode, Waiting } from './task.ts'
export {
  type Beat,
  type BeatAnswer,
  FAILURE_CLASSES,
  type FailureClass,
  type Json,
  type LeaseAsk,
  type LeasedWork,
  type RetryPolicy,
  type SagaShape,
  type StepDone,
  type StepFailed,
  type StepShape,
  type TaskSubject,
} from './work.ts'
export { parseWorkspaceName, WORKSPACE_NAME_RULE, type WorkspaceId } from './workspace-name.ts'
