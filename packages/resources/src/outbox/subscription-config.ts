import { z } from 'zod'
import { secretName } from '../config/secret-name.ts'

/** Kinds of changes that a subscription may ask for. */
export const CHANGE_KINDS = ['status', 'block', 'content'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** Pauses before the attempts after the first one, ms: 28 hours in all. */
const RETRY_MS = [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000]
const DAY_MS = 24 * 3_600_000

/** Headers that say what the request is: the server sets them. */
const RESERVED = /^(?:content-.*|webhook-.*|host|user-agent)$/i

const header = z.union([z.string(), z.strictObject({ secret: secretName, prefix: z.string().default('') })])
/** One subscription, in a configuration and over HTTP. It names secrets and holds none. */
export const subscriptionSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be a URL that begins with https://' }),
  /** Names of workspaces; a `*` at the end stands for any rest. */
  workspaces: z
    .array(z.string().regex(/^[^*]*\*?$/, 'may have a * at its end alone'))
    .min(1)
    .max(1_000),
  events: z
    .array(z.enum(CHANGE_KINDS))
    .min(1)
    .default([...CHANGE_KINDS]),
  /** All that are current: while a secret rotates there are two, and each delivery has two signatures. */
  secrets: z.array(secretName).min(1).max(4),
  headers: z
    .record(
      z.string().refine((name) => !RESERVED.test(name), 'is a header that the server sets itself'),
      header,
    )
    .refine(
      (headers) => Object.entries(headers).every(([name, value]) => !isSecretByName(name) || typeof value !== 'string'),
      'the value of Authorization is a secret: name it by {"secret": "<name>"}',
    )
    .default({}),
  /** Time for which changes of contents are gathered, ms. */
  coalesceMs: z.int().min(0).max(600_000).default(5_000),
  retryMs: z.array(z.int().min(1).max(DAY_MS)).max(20).default(RETRY_MS),
  /** Time of nothing but failures after which the endpoint is disabled, ms. */
  disableAfterMs: z
    .int()
    .min(1)
    .max(30 * DAY_MS)
    .default(5 * DAY_MS),
})

/** A subscription, checked. */
export type Subscription = z.infer<typeof subscriptionSchema>

export const subscriptionName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be a name of a subscription: 1 to 64 of a-z, 0-9, _ and -')

/** The section `subscriptions` of a configuration: changes are sent to these URLs, by name. */
export const subscriptionsSchema = z.record(subscriptionName, subscriptionSchema).default({})

export type Subscriptions = z.infer<typeof subscriptionsSchema>

/** Names of the secrets that the subscriptions use. */
export function secretsOfSubscriptions(subscriptions: Subscriptions): string[] {
  return Object.values(subscriptions).flatMap(({ secrets, headers }) => [
    ...secrets,
    ...Object.values(headers).flatMap((value) => (typeof value === 'string' ? [] : [value.secret])),
  ])
}

/** Whether a subscription is for a workspace of this name. */
export function isFor({ workspaces }: Pick<Subscription, 'workspaces'>, workspace: string): boolean {
  return workspaces.some((pattern) =>
    pattern.endsWith('*') ? workspace.startsWith(pattern.slice(0, -1)) : workspace === pattern,
  )
}

function isSecretByName(name: string): boolean {
  return /^(?:authorization|proxy-authorization|x-api-key)$/i.test(name)
}
