import { z } from 'zod'

/** Beginnings of values that services hand out as secrets. */
const LIKE_A_SECRET = /^(?:sk|rk|pk|whsec|ghp|github_pat|xox[a-z]|aws|akia)_/

/** Name of a secret in a configuration: the value is found by `Secrets`. */
export const secretName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be the name of a secret: 1 to 64 of a-z, 0-9 and _, beginning with a letter')
  .refine(
    (name) => !LIKE_A_SECRET.test(name),
    'looks like a secret itself: write a name here, and put the value into the environment variable JOINERY_SECRET_<NAME>',
  )
