import { z } from 'zod'
import { AppError } from './app-error.mts'

/** Where a value may come from, and what it has to be. `rule` and `example` are read by people who got it wrong. */
export interface Setting<T> {
  /** Name of the long option without dashes, as commander camel-cases it. */
  readonly option: string
  /** Environment variable that stands in when the option is absent. */
  readonly variable?: string
  readonly rule: string
  readonly example: string
  readonly schema: z.ZodType<T>
}

/** What commander hands over: the options that were given, values as typed. */
export type Options = Readonly<Record<string, unknown>>
export type Environment = Readonly<Record<string, string | undefined>>

/** The setting's value: option before variable before the schema's default. Throws {@link AppError} `usage`. */
export function readSetting<T>(setting: Setting<T>, options: Options, environment: Environment): T {
  const flag = `--${setting.option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  const fromOption = options[setting.option]
  const fromVariable = setting.variable === undefined ? undefined : environment[setting.variable]
  // An empty variable is how shells and container files say "not set".
  const value = fromOption ?? (fromVariable === '' ? undefined : fromVariable)
  const parsed = setting.schema.safeParse(value)
  if (parsed.success) return parsed.data
  const name = fromOption === undefined && value !== undefined ? setting.variable : flag
  const given = value === undefined ? 'missing' : `not ${JSON.stringify(value)}`
  const example = name === flag ? `${flag} ${setting.example}` : `${name}=${setting.example}`
  throw new AppError('usage', `${name} must be ${setting.rule}, ${given}; for example: ${example}`)
}

/** A whole number written in digits only: `1e3`, ` 5` and `0x10` are typing errors more often than meant. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max))
