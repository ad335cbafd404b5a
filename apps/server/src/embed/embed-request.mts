import { z } from 'zod'
import { DIMENSIONS, MODEL } from './model-packages.mts'

export const EMBED_LIMITS = {
  /** Bytes of a request. */
  bodyBytesMax: 1024 * 1024,
  textsMax: 256,
  /** Characters of one text: the model's time for a text grows faster than its length. */
  textCharsMax: 8_192,
} as const

/** Error of the route, in the shape that clients of this protocol read. */
export class EmbedError extends Error {
  override name = 'EmbedError'
  readonly status: number
  readonly code: string
  readonly param: string | null
  readonly retryAfterSeconds: number | undefined
  constructor(status: number, code: string, message: string, param: string | null = null, retryAfterSeconds?: number) {
    super(message)
    this.status = status
    this.code = code
    this.param = param
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** A request for vectors, checked. */
export interface EmbedRequest {
  readonly texts: readonly string[]
  readonly encoding: 'float' | 'base64'
}

const { textsMax, textCharsMax } = EMBED_LIMITS
const text = z
  .string('must be a text, or a list of texts')
  .max(textCharsMax, `a text may have ${textCharsMax} characters: split it`)
  .refine((given) => given.trim() !== '', 'is blank: leave it out')
const body = z.object({
  model: z.string(),
  input: z.union([
    text.transform((one) => [one]),
    z.array(text).min(1, 'has no text').max(textsMax, `may have ${textsMax} texts: split them`),
  ]),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.literal(DIMENSIONS, `must be ${DIMENSIONS}: the model has no others`).optional(),
  user: z.string().optional(),
})

/** Reads a request. Throws {@link EmbedError} that names the parameter and the rule. */
export function parseEmbedRequest(bytes: Buffer): EmbedRequest {
  const parsed = body.safeParse(jsonOf(bytes))
  if (!parsed.success) {
    const [first] = parsed.error.issues
    const issue = first?.code === 'invalid_union' ? (innerIssue(first.errors) ?? first) : first
    const param = String(first?.path[0] ?? '') || null
    const place = [...(first?.path ?? []), ...(issue === first ? [] : (issue?.path ?? []))].map(String).join('.')
    throw new EmbedError(
      400,
      'invalid_request',
      `${place || 'the body'}: ${issue?.message ?? 'is not as it must be'}`,
      param,
    )
  }
  const { model, input, encoding_format: encoding } = parsed.data
  if (model !== MODEL) {
    throw new EmbedError(404, 'model_not_found', `there is no such model here: use "${MODEL}"`, 'model')
  }
  return { texts: input, encoding }
}

/** The issue of the alternative that came furthest: a list with a wrong text is no text that is wrong. */
function innerIssue(alternatives: readonly (readonly z.core.$ZodIssue[])[]): z.core.$ZodIssue | undefined {
  const issues = alternatives.flat()
  return issues.find(({ path }) => path.length > 0) ?? issues.find(({ code }) => code !== 'invalid_type') ?? issues[0]
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new EmbedError(400, 'invalid_json', 'the body is no JSON in UTF-8')
  }
}

/** The answer, as the protocol has it. */
export function embedAnswer(
  vectors: readonly Float32Array[],
  tokens: number,
  encoding: EmbedRequest['encoding'],
): object {
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: encoding === 'float' ? Array.from(vector) : base64Of(vector),
  }))
  return { object: 'list', data, model: MODEL, usage: { prompt_tokens: tokens, total_tokens: tokens } }
}

/** 32-bit floats, little-endian. */
function base64Of(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4)
  return bytes.toString('base64')
}
