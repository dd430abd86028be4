import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { openPage, withoutChromium } from './chromium.ts'
import { testNode } from './node.ts'

const noChromium = withoutChromium()

test('the documentation shows the contract in a browser, and its policy forbids nothing it needs', {
  skip: noChromium,
}, async (t) => {
  const node = await testNode()
  t.after(() => node.stop())
  const { headers } = await fetch(`${node.url}/docs/`)
  assert.match(headers.get('content-security-policy')!, /default-src 'none'.*script-src 'self';/)
  const { dom, console } = await openPage(`${node.url}/docs/`)
  assert.match(dom, /\/api\/track/)
  assert.match(dom, /Ask whether a call may be made/)
  assert.deepEqual(console, [])
})

test('a page that breaks its policy is noticed by such a test', { skip: noChromium }, async (t) => {
  const server = createServer((_request, response) => {
    response.setHeader('content-security-policy', "default-src 'none'")
    response.setHeader('content-type', 'text/html')
    response.end('<script>document.title = "ran"</script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => void server.close())
  const { port } = server.address() as { port: number }
  const { dom, console } = await openPage(`http://127.0.0.1:${port}/`)
  assert.doesNotMatch(dom, /ran<\/title>/)
  assert.match(console.join(), /Content Security Policy/)
})
