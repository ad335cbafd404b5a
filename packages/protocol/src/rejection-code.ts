/** Reasons for which a server refuses an update. SPEC.md says what each means and what the client does. */
export const REJECTION_CODES = [
  'read_only',
  'too_large',
  'bad_update',
  'forbidden_actor',
  'forbidden_source',
  'bad_claim',
  'foreign_run',
  'forged_skeleton',
  'client_id_owned',
  'too_deep',
  'too_costly',
  'forbidden_key',
  'pending_too_large',
  'quota_workspaces',
  'quota_bytes',
  'quota_keys',
  'lease_lost',
  'storage_full',
  'storage_failed',
  'not_replicated',
  'quarantined',
] as const

/** A rejection code. A newer server may send one that is not in the list: a client shows it by its reason. */
export type RejectionCode = (typeof REJECTION_CODES)[number]
