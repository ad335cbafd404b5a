import { isOrigin } from '@joinery/server'
import { z } from 'zod'
import { type Environment, type Options, readSetting, type Setting } from './setting.mts'

/** Settings of the pages that the server shows. */
export interface PageConfig {
  /** Path below which a proxy has the server, such as `/joinery`; empty for none. */
  readonly base: string
  /** Address at which a person logs in, and which gives new tokens; undefined for none. */
  readonly login: string | undefined
  /** Origins of pages that may embed the editor and hand over tokens. */
  readonly tokenOrigins: readonly string[]
}

const base: Setting<string> = {
  option: 'base',
  variable: 'JOINERY_BASE',
  rule: 'a path of letters, digits and - _ . between slashes, without one at its end',
  example: '/joinery',
  schema: z
    .string()
    .regex(/^(\/[\w.-]*\w[\w.-]*)+$/)
    .or(z.literal(''))
    .default(''),
}

const login: Setting<string | undefined> = {
  option: 'login',
  variable: 'JOINERY_LOGIN',
  rule: 'an http or https address without a user or fragment',
  example: 'https://app.example.org/joinery-login',
  schema: z.string().refine(isLogin).optional(),
}

function isLogin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, hash } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '' && hash === ''
}

const tokenOrigins: Setting<readonly string[]> = {
  option: 'tokenOrigins',
  variable: 'JOINERY_TOKEN_ORIGINS',
  rule: 'origins of pages (scheme://host, a port if it is not the usual one, no path, no wildcard) joined by commas',
  example: 'https://app.example.org',
  schema: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((origin) => (origin.trim() === '' ? [] : [origin.trim()])))
    .refine((list) => list.every(isOrigin)),
}

/** Reads the settings of pages. Throws `usage` as {@link readSetting} does. */
export function readPageConfig(options: Options, environment: Environment): PageConfig {
  return {
    base: readSetting(base, options, environment),
    login: readSetting(login, options, environment),
    tokenOrigins: readSetting(tokenOrigins, options, environment),
  }
}
