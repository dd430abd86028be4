import assert from 'node:assert/strict'
import { test } from 'node:test'
import fastify from 'fastify'
import { Policy } from '../access/policy/policy.ts'
import type { Permission } from '../lib/caller.ts'
import { authorise } from './authorise.ts'

const policy = await Policy.load()

function addRoute(access?: Permission): void {
  const app = fastify()
  // Who asks, and how often, is asked when a request comes: here none does.
  authorise(app, { policy, directory: null as never, requestLimits: null as never })
  app.get('/moon', access === undefined ? {} : { config: { access } }, async () => 'made of cheese')
}

test('a route that does not say what it does to what does not start', () => {
  assert.throws(() => addRoute(), /Route \/moon does not say what it does to what/)
})

test('a route that asks for what no role may do does not start', () => {
  const access = { object: 'usage', action: 'write' }
  assert.throws(() => addRoute(access), /Route \/moon: nobody may do “write” to “usage”/)
  addRoute({ object: 'usage', action: 'read' })
})
