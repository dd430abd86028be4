import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ProblemError } from '../../lib/problem-error.ts'
import type { Settings } from '../../lib/settings.ts'

export const REFRESH_COOKIE = 'tollgate_refresh'

type CookieSettings = Pick<Settings, 'publicUrl' | 'corsOrigins'>

/** A browser's refresh token: no script can read it, and no other site can make the browser send it. */
export function setRefreshCookie(
  reply: FastifyReply,
  settings: CookieSettings,
  token: string,
  secondsLeft: number,
): void {
  reply.setCookie(REFRESH_COOKIE, token, { ...attributes(settings), maxAge: secondsLeft })
}

export function clearRefreshCookie(reply: FastifyReply, settings: CookieSettings): void {
  reply.clearCookie(REFRESH_COOKIE, attributes(settings))
}

/**
 * The refresh token of a request's cookie, or null.
 * @throws ProblemError forbidden: the cookie came, but not from a page of ours
 */
export function refreshCookieOf(request: FastifyRequest, settings: CookieSettings): string | null {
  const token = request.cookies[REFRESH_COOKIE]
  if (token === undefined || token === '') return null
  if (!isJson(request) || !isFromOurPages(request, settings)) {
    throw new ProblemError('forbidden', {
      detail:
        'With the cookie, a request must be application/json and come from a page of this server or of an origin in CORS_ORIGINS.',
    })
  }
  return token
}

function attributes({ publicUrl }: CookieSettings): CookieSerializeOptions {
  const url = publicUrl === null ? null : new URL(publicUrl)
  // Below the path under which a proxy may have put us.
  const path = `${url?.pathname.replace(/\/$/, '') ?? ''}/auth`
  return { path, httpOnly: true, sameSite: 'strict', secure: url?.protocol === 'https:' }
}

/** What a form of another site cannot send. */
function isJson(request: FastifyRequest): boolean {
  return /^application\/json\b/i.test(request.headers['content-type'] ?? '')
}

/** Browsers name the page's origin with every POST, and no page can make them name another. */
function isFromOurPages(
  { headers: { origin }, host }: FastifyRequest,
  { publicUrl, corsOrigins }: CookieSettings,
): boolean {
  if (origin === undefined || !URL.canParse(origin)) return false
  if (corsOrigins.includes(origin)) return true
  if (publicUrl !== null) return origin === new URL(publicUrl).origin
  return new URL(origin).host === host
}
