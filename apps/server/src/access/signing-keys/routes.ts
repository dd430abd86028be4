import { rotateSigningKeyReply, signingKeysReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { SIGNING_KEYS_PUBLIC_SECONDS } from '../../limits.ts'
import type { SigningKeys } from './signing-keys.ts'

const tags = ['Sign-in']

/** The keys of access tokens. */
export function signingKeyRoutes(
  fastify: FastifyInstance,
  { tokens }: { tokens: { keys: SigningKeys } },
): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.get(
    '/.well-known/jwks.json',
    {
      config: { access: { object: 'signing_keys', action: 'read' }, anyQuery: true },
      schema: {
        tags,
        summary: 'The public keys of access tokens, for others who verify them',
        response: { 200: signingKeysReply },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${SIGNING_KEYS_PUBLIC_SECONDS}`)
      return { keys: await tokens.keys.published() }
    },
  )
  app.post(
    '/api/admin/signing-keys/rotate',
    {
      config: { access: { object: 'signing_keys', action: 'write' } },
      schema: {
        tags,
        summary: 'Sign with another key from now on',
        description: 'What was signed before stays good until it expires: nobody is signed out.',
        response: { 201: rotateSigningKeyReply },
      },
    },
    async (request, reply) => {
      const { keyId } = await tokens.keys.rotate(request.actor())
      return reply.code(201).send({ key_id: keyId })
    },
  )
}
