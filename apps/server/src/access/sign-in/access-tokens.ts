import { randomUUID } from 'node:crypto'
import { errors, jwtVerify, SignJWT } from 'jose'
import type pg from 'pg'
import type { Clock } from '../../lib/clock.ts'
import { ACCESS_TOKEN_SECONDS } from '../../limits.ts'
import { SIGNING_ALGORITHM, SigningKeys } from '../signing-keys/signing-keys.ts'

const ISSUER = 'tollgate'
/** RFC 9068: no other kind of token, should there ever be one, can be taken for an access token. */
const TYPE = 'at+jwt'

/** What a token says of who sends it. What they may is asked of the database: see directory.ts. */
export type AccessClaims = { memberId: string; sessionId: string; expiresAt: number }

/** Access tokens: JSON Web Tokens, signed with Ed25519. */
export class AccessTokens {
  readonly keys: SigningKeys
  private readonly clock: Clock

  constructor({ pool, clock }: { pool: pg.Pool; clock: Clock }) {
    this.keys = new SigningKeys({ pool, clock })
    this.clock = clock
  }

  /** @param of tenantId null: one of the operator's people */
  async sign(of: {
    memberId: string
    tenantId: string | null
    role: string
    sessionId: string
  }): Promise<string> {
    const { keyId, privateKey } = await this.keys.signing()
    const now = Math.floor(this.clock.now() / 1_000)
    const claims = {
      ...(of.tenantId === null ? {} : { tenant_id: of.tenantId }),
      role: of.role,
      sid: of.sessionId,
    }
    return new SignJWT(claims)
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: TYPE, kid: keyId })
      .setIssuer(ISSUER)
      .setSubject(of.memberId)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + ACCESS_TOKEN_SECONDS)
      .sign(privateKey)
  }

  /** Null: not a token of ours, or it has expired. */
  async verify(token: string): Promise<AccessClaims | null> {
    try {
      const { payload } = await jwtVerify(token, ({ kid }) => this.keyOf(kid), {
        algorithms: [SIGNING_ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        currentDate: new Date(this.clock.now()),
        requiredClaims: ['sub', 'sid', 'exp', 'iat', 'jti'],
      })
      const { sub, sid, exp } = payload
      if (typeof sub !== 'string' || typeof sid !== 'string') return null
      return { memberId: sub, sessionId: sid, expiresAt: exp! * 1_000 }
    } catch (error) {
      if (error instanceof errors.JOSEError) return null
      throw error
    }
  }

  private async keyOf(keyId: unknown) {
    const key = await this.keys.verifying(keyId)
    if (key === null) throw new errors.JWKSNoMatchingKey()
    return key
  }
}
