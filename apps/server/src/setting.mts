import { z } from 'zod'
import { AppError } from './app-error.mts'

/** One setting: the option and variable it comes from, and its rule. An error message shows `rule` and `example`. */
export interface Setting<T> {
  /** Name of the long option without dashes, as commander camel-cases it. */
  readonly option: string
  /** Environment variable that is read when the option is absent. */
  readonly variable?: string
  readonly rule: string
  readonly example: string
  readonly schema: z.ZodType<T>
}

/** Options as commander passes them: those that were given, with their values as typed. */
export type Options = Readonly<Record<string, unknown>>
export type Environment = Readonly<Record<string, string | undefined>>

/** Value of a setting: of its option, else of its variable, else the schema's default. Throws {@link AppError} `usage`. */
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

/** Schema of a whole number written in digits only: `1e3`, ` 5` and `0x10` are usually typing errors. */
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max))
