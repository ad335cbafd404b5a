import type { HookEvent, HookHint, HookTarget, ResourceRef, SyncContext } from '../adapter.ts'

/** Characters that Stripe keeps of one value of metadata. */
const VALUE_LENGTH_MAX = 500
const ID = /^(?:pi|py)_[A-Za-z0-9_]+$/

/** The metadata by which a payment is found again, and by which an event finds its resource. */
export function metadataOf({ key, resource }: Pick<SyncContext, 'key' | 'resource'>): Record<string, string> {
  const { workspace, block, machine, name } = resource
  const own = {
    joinery_key: key,
    joinery_workspace: workspace,
    joinery_block: block,
    joinery_machine: machine,
    joinery_name: name,
  }
  // A value that Stripe would refuse is left out: the payment is then found by its key alone.
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value.length <= VALUE_LENGTH_MAX))
}

/** Whether a payment's metadata names the resource. */
export function sameResource(metadata: Readonly<Record<string, string>>, resource: ResourceRef): boolean {
  const named = resourceIn(metadata)
  return named !== undefined && JSON.stringify(named) === JSON.stringify(orderly(resource))
}

function resourceIn(metadata: Readonly<Record<string, unknown>>): ResourceRef | undefined {
  const { joinery_workspace: workspace, joinery_block: block, joinery_machine: machine, joinery_name: name } = metadata
  const texts = [workspace, block, machine, name]
  if (!texts.every((text) => typeof text === 'string' && text !== '')) return undefined
  return orderly({ workspace, block, machine, name } as ResourceRef)
}

function orderly({ workspace, block, machine, name }: ResourceRef): ResourceRef {
  return { workspace, block, machine, name }
}

/**
 * The resource of an event of Stripe: that of the payment it is about. Events about a charge, a refund or a dispute carry the metadata
 * of the payment's charge, or name the payment alone.
 */
export function routeEvent({ type, body }: HookEvent): HookTarget | HookHint | 'ignored' {
  const object = objectIn(objectIn(body)?.data)?.object
  const subject = objectIn(object)
  if (subject === undefined || !/^(?:payment_intent|charge|refund)\./.test(type)) return 'ignored'
  const id = type.startsWith('payment_intent.') ? subject.id : subject.payment_intent
  if (typeof id !== 'string' || !ID.test(id)) return 'ignored'
  const resource = resourceIn(objectIn(subject.metadata) ?? {})
  return { ...(resource && { resource }), externalId: id }
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}
