import { z } from 'zod'
import { email, instantOut, name } from './fields.ts'
import { PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, SECRET_CHARS_MAX } from './limits.ts'
import { MEMBER_ROLES, STAFF_ROLES } from './roles.ts'

/** One that is chosen. The exact rules count characters after NFKC, so this is only a bound. */
export const newPassword = z
  .string()
  .min(1)
  .max(SECRET_CHARS_MAX)
  .describe(
    `${PASSWORD_CHARS_MIN} to ${PASSWORD_CHARS_MAX} characters of any kind; none of the most common ones, and not made of the e-mail address or the name`,
  )
const knownPassword = z.string().min(1).max(SECRET_CHARS_MAX)
const refreshToken = z.string().min(1).max(SECRET_CHARS_MAX)
const emailedToken = z.string().min(1).max(SECRET_CHARS_MAX).describe('From the link in the e-mail')

export const asCookie = z
  .boolean()
  .describe(
    'true, for browsers: the refresh token is set as the cookie tollgate_refresh (HttpOnly, SameSite=Strict) and left out of the reply',
  )
  .optional()

export const signUpBody = z.strictObject({
  email,
  password: newPassword,
  name: name.describe('Of the person; the tenant is called so too'),
  plan: name.describe('Left out: free').optional(),
  cookie: asCookie,
})

export const logInBody = z.strictObject({ email, password: knownPassword, cookie: asCookie })

/** Taken from the cookie where the body has none. */
export const refreshBody = z.strictObject({ refresh_token: refreshToken.optional() }).optional()

export const forgotPasswordBody = z.strictObject({ email })
export const resetPasswordBody = z.strictObject({ token: emailedToken, password: newPassword })
export const changePasswordBody = z.strictObject({
  current_password: knownPassword,
  new_password: newPassword,
})
export const verifyEmailBody = z.strictObject({ token: emailedToken })

export const tokensReply = z
  .object({
    access_token: z.string().describe('A JSON Web Token, to be sent as “Authorization: Bearer …”'),
    token_type: z.literal('Bearer'),
    expires_in: z.number().int().describe('Seconds until the access token expires'),
    refresh_token: z
      .string()
      .describe('Good once, for the next pair. Left out when it was set as a cookie')
      .optional(),
  })
  .meta({ id: 'Tokens' })

export const signUpReply = tokensReply
  .extend({ tenant_id: z.string(), member_id: z.string() })
  .meta({ id: 'SignedUp' })

/** The same whether there is somebody to send an e-mail to or not. */
export const acceptedReply = z.object({ status: z.literal('accepted') }).meta({ id: 'Accepted' })

export const meReply = z
  .object({
    member: z.object({
      member_id: z.string(),
      email: z.string(),
      name: z.string(),
      role: z.enum([...STAFF_ROLES, ...MEMBER_ROLES]),
      email_verified: z.boolean(),
    }),
    tenant: z
      .object({ tenant_id: z.string(), name: z.string() })
      .nullable()
      .describe("null: one of the operator's people"),
    session: z.object({ session_id: z.string(), created_at: instantOut, expires_at: instantOut }),
  })
  .meta({ id: 'Me' })

export const sessionReply = z
  .object({
    session_id: z.string(),
    created_at: instantOut,
    expires_at: instantOut,
    current: z.boolean().describe('The one of this request'),
  })
  .meta({ id: 'Session' })
export const sessionsReply = z.object({ data: z.array(sessionReply) })

export const signingKeysReply = z
  .object({
    keys: z.array(
      z.object({
        kty: z.literal('OKP'),
        crv: z.literal('Ed25519'),
        x: z.string(),
        kid: z.string(),
        alg: z.literal('EdDSA'),
        use: z.literal('sig'),
      }),
    ),
  })
  .meta({ id: 'SigningKeys', description: 'A JSON Web Key Set (RFC 7517)' })

export const rotateSigningKeyReply = z
  .object({ key_id: z.string().describe('Of the key that signs from now on') })
  .meta({ id: 'SigningKeyRotated' })
